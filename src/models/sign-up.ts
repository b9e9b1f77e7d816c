import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import type { AuditOrigin } from './audit-event.ts';
import { mailVerification } from './email-verification.ts';
import { mayMail } from './mail-limit.ts';
import { findForMail, type MailOptions } from './mailed-token.ts';
import { noticeOf } from './notice.ts';
import { enqueueMail } from './outbox.ts';
import type { UserRecord } from './user.ts';
import { createUser } from './user-account.ts';
import type { NameKeeping } from './user-names.ts';

interface SignUp {
  readonly email: string;
  readonly passwordHash: string;
  readonly profile: Record<string, unknown>;
}

interface SignUpOptions extends MailOptions {
  readonly names: NameKeeping;
}

/** Creates an account, and asks its mailbox whether it is its owner's. @throws {AppError} `email-taken` */
export const signUp = (origin: AuditOrigin, account: SignUp, options: SignUpOptions): Promise<UserRecord> =>
  transaction(async (tx) => {
    const user = await createUser(tx, origin, options.names, account);
    await mailVerification(tx, user, options);
    return user;
  });

/** The same for whoever is not to know whether the email is taken: then its owner is told instead. */
export async function signUpUnseen(origin: AuditOrigin, account: SignUp, options: SignUpOptions): Promise<void> {
  try {
    await signUp(origin, account, options);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'email-taken') throw error;
    await tellOwner(origin, account.email, options);
  }
}

async function tellOwner(origin: AuditOrigin, email: string, { keyring }: MailOptions): Promise<void> {
  const template = 'sign-up-again';
  const allowed = await mayMail(keyring, email, template);
  const owner = await findForMail(email);
  if (!allowed || !owner) return;
  const mail = { template, to: email, data: noticeOf(origin) } as const;
  await transaction((tx) => enqueueMail(tx, keyring, mail, owner._id));
}
