import type { ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { mailedLink } from '../lib/mail/links.ts';
import { type AccountStamp, guardOf } from './account-stamp.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { mayMail } from './mail-limit.ts';
import { findForMail, issueMailedTokens, LINK_SECONDS, type MailOptions } from './mailed-token.ts';
import { consumeToken, revokeTokens, type TokenPurpose } from './one-time-token.ts';
import { enqueueMail } from './outbox.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';
import { removeUser } from './user-removal.ts';

const PURPOSES = ['email-verification', 'email-rejection'] as const satisfies TokenPurpose[];

/** Asks the owner of the mailbox whether the account is theirs: one link says yes, the other one no. */
export async function mailVerification(
  tx: ClientSession,
  user: UserRecord,
  { keyring, appUrl }: MailOptions,
): Promise<void> {
  const seconds = LINK_SECONDS['verify-email'];
  const [yes, no] = await issueMailedTokens(
    tx,
    keyring,
    user,
    { purpose: 'email-verification', seconds },
    { purpose: 'email-rejection', seconds: LINK_SECONDS['reject-sign-up'] },
  );
  const data = {
    link: mailedLink(appUrl, 'verify-email', yes),
    rejectLink: mailedLink(appUrl, 'reject-sign-up', no),
    validForSeconds: seconds,
  };
  await enqueueMail(tx, keyring, { template: 'verify-email', to: user.email, data }, user._id);
}

/** Mails new links in the place of the earlier ones, if there is an account whose mailbox is to be proven. */
export async function requestVerification(email: string, options: MailOptions): Promise<void> {
  const allowed = await mayMail(options.keyring, email, 'verify-email');
  const user = await findForMail(email);
  if (!allowed || !user || user.emailVerified) return;
  await transaction(async (tx) => {
    await revokeTokens(tx, user._id, PURPOSES);
    await mailVerification(tx, user, options);
  });
}

/**
 * Marks the mailbox of the account as proven. The caller has made sure that whoever has the link has the account too:
 * a link alone would let a stranger's account be verified by the owner of the mailbox, who is mailed it unasked.
 * @returns null when the token is used up, expired or overtaken
 */
export async function verifyEmail(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  token: string,
): Promise<UserRecord | null> {
  const used = await consumeToken<AccountStamp>(tx, keyring, 'email-verification', token);
  if (!used?.userId) return null;
  const id = used.userId;
  const user = await User.findOneAndUpdate(
    { ...guardOf(used.payload), _id: id, status: { $in: SIGN_IN_STATUSES } },
    { $set: { emailVerified: true }, $inc: { revision: 1 } },
    { session: tx, returnDocument: 'after' },
  ).lean<UserRecord>();
  if (!user) return null;
  await revokeTokens(tx, id, PURPOSES);
  await recordAuditEvent(tx, byOwner(origin, id), {
    action: 'user.email-verified',
    target: { collection: 'users', id },
    changes: ['emailVerified'],
  });
  return user;
}

/**
 * Removes an account that its mailbox does not want, for good: it never proved the mailbox, and the email is free
 * again. Proven in between, it stays.
 * @returns whether there was one to remove
 */
export async function rejectSignUp(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  token: string,
): Promise<boolean> {
  const used = await consumeToken<AccountStamp>(tx, keyring, 'email-rejection', token);
  if (!used?.userId) return false;
  const id = used.userId;
  const unproven = { ...guardOf(used.payload), emailVerified: false, status: { $in: SIGN_IN_STATUSES } };
  if (!(await removeUser(tx, origin, id, unproven))) return false;
  await recordAuditEvent(tx, origin, { action: 'user.rejected', target: { collection: 'users', id } });
  return true;
}

const byOwner = (origin: AuditOrigin, id: Types.ObjectId): AuditOrigin => ({ ...origin, actor: { type: 'user', id } });
