import { Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import type { MailTemplate } from '../lib/mail/messages.ts';
import { type Counter, openCounter } from './rate-limit.ts';

const MINUTE_MS = 60_000;

/**
 * How many mails of a kind one account or mailbox is sent, and in how many minutes, where a person can make the service
 * send them. No window is longer than a link of that kind works: whoever is refused another mail, by a stranger's
 * doing or their own, holds one that is still good.
 *
 * What tells of a change that was made is always sent: whoever made it must not be able to use the warning up.
 */
const LIMITS: { readonly [T in MailTemplate]?: { readonly max: number; readonly minutes: number } } = {
  'verify-email': { max: 5, minutes: 60 },
  'sign-up-again': { max: 3, minutes: 60 },
  'reset-password': { max: 3, minutes: 30 },
  'choose-password': { max: 5, minutes: 60 },
  'confirm-new-email': { max: 5, minutes: 60 },
  'magic-link': { max: 3, minutes: 15 },
  /** Whoever has a team can have them sent to anybody. */
  'team-invitation': { max: 10, minutes: 24 * 60 },
};

const counters = new Map<MailTemplate, Counter>(
  Object.entries(LIMITS).map(([template, { max, minutes }]) => [
    template as MailTemplate,
    openCounter({ name: `mail-${template}`, max, windowMs: minutes * MINUTE_MS }),
  ]),
);

/**
 * Counts one more mail for an account (its id) or a mailbox (its normalised email), and tells whether it may be sent.
 * Outside of any transaction, since a mail that was asked for counts, whatever becomes of it. Ask before looking up
 * whether the account exists: then a stranger's email costs and answers the same. An invitation asks once its sender is
 * known to be allowed, so that nobody else uses the limit up; where its transaction is tried again, it counts twice.
 */
export async function mayMail(
  keyring: Keyring,
  whom: Types.ObjectId | string,
  template: MailTemplate,
): Promise<boolean> {
  const counter = counters.get(template);
  if (!counter) return true;
  const key = whom instanceof Types.ObjectId ? `user:${whom.toHexString()}` : `address:${whom}`;
  const { count } = await counter.countUp(keyring.mac('mail-limit', key).toString('base64url'));
  return count <= counter.limit.max;
}
