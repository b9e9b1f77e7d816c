import type { Keyring } from '../../src/lib/keyring.ts';
import type { Mail, MailTemplate } from '../../src/lib/mail/messages.ts';
import { mailOf, Outbox, type OutboxRecord } from '../../src/models/outbox.ts';

/** A mail of one template, whose data has the template's type. */
export type MailOf<T extends MailTemplate> = Extract<Mail, { template: T }>;

/** What the outbox holds for a mailbox, oldest first, delivered or not. */
export async function mailFor(keyring: Keyring, email: string): Promise<Mail[]> {
  const records = await Outbox.find().sort({ _id: 1 }).lean<OutboxRecord[]>();
  return records.map((record) => mailOf(keyring, record)).filter(({ to }) => to === email);
}

/** The newest mail of a template for a mailbox. @throws when there is none */
export async function lastMailFor<T extends MailTemplate>(
  keyring: Keyring,
  email: string,
  template: T,
): Promise<MailOf<T>> {
  const isOfTemplate = (mail: Mail): mail is MailOf<T> => mail.template === template;
  const mail = (await mailFor(keyring, email)).findLast(isOfTemplate);
  if (!mail) throw new Error(`no ${template} mail for ${email}`);
  return mail;
}
