import type { ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { mailedLink } from '../lib/mail/links.ts';
import { type AccountStamp, guardOf } from './account-stamp.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { mayMail } from './mail-limit.ts';
import { proveMailbox } from './mailbox.ts';
import { findForMail, issueMailedToken, LINK_SECONDS, type MailOptions } from './mailed-token.ts';
import { noticeOf } from './notice.ts';
import { consumeToken, findToken, revokeTokens } from './one-time-token.ts';
import { enqueueMail } from './outbox.ts';
import { endSessions } from './session-end.ts';
import { User, type UserRecord } from './user.ts';

const action = 'user.password-reset-requested';

/** The page that a link leads to, and the mail that it is in. */
type ResetPath = 'reset-password' | 'choose-password';

interface ResetMail extends MailOptions {
  readonly path: ResetPath;
  readonly seconds: number;
  /** Why an admin had it sent. */
  readonly reason?: string;
}

/** Mails a link by which a password is set, in the place of an earlier one. */
export async function mailPasswordReset(
  tx: ClientSession,
  origin: AuditOrigin,
  user: UserRecord,
  { keyring, appUrl, path, seconds, reason }: ResetMail,
): Promise<void> {
  await revokeTokens(tx, user._id, ['password-reset']);
  const token = await issueMailedToken(tx, keyring, user, { purpose: 'password-reset', seconds });
  const data = { link: mailedLink(appUrl, path, token), validForSeconds: seconds };
  await enqueueMail(tx, keyring, { template: path, to: user.email, data }, user._id);
  await recordAuditEvent(tx, origin, {
    action,
    target: { collection: 'users', id: user._id },
    ...(reason !== undefined && { reason }),
  });
}

/** An account that has no password has one to choose. */
export const resetPathOf = async (id: Types.ObjectId): Promise<ResetPath> =>
  (await User.exists({ _id: id, passwordHash: { $exists: true } })) ? 'reset-password' : 'choose-password';

/** Mails the link, if there is an account; whoever asked is not told. */
export async function requestPasswordReset(origin: AuditOrigin, email: string, options: MailOptions): Promise<void> {
  const path = 'reset-password';
  const allowed = await mayMail(options.keyring, email, path);
  const user = await findForMail(email);
  if (user && allowed)
    return transaction((tx) => mailPasswordReset(tx, origin, user, { ...options, path, seconds: LINK_SECONDS[path] }));
  await recordAuditEvent(undefined, origin, {
    action,
    outcome: allowed ? 'failure' : 'denied',
    reason: allowed ? 'not-found' : 'rate-limited',
    target: { collection: 'users', ...(user && { id: user._id }) },
  });
}

/** Whose password a token sets, as far as the rules for passwords ask; null when it is no token of anybody. */
export async function findByResetToken(keyring: Keyring, token: string): Promise<UserRecord | null> {
  const found = await findToken<AccountStamp>(keyring, 'password-reset', token);
  return found?.userId ? User.findOne({ ...guardOf(found.payload), _id: found.userId }).lean<UserRecord>() : null;
}

/**
 * Sets the password of whoever has the link, ends all sessions and all that was mailed. Second factors stay, and are
 * asked for at the next sign-in: a mailbox in foreign hands is not enough. Only an account that never proved its
 * mailbox loses them, as they may be a stranger's.
 * @returns whether the token was still good
 */
export async function resetPassword(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  { token, passwordHash }: { readonly token: string; readonly passwordHash: string },
): Promise<boolean> {
  const used = await consumeToken<AccountStamp>(tx, keyring, 'password-reset', token);
  const user = used?.userId && (await proveMailbox(tx, origin, used.userId, guardOf(used.payload)));
  if (!user) return false;
  const id = user._id;
  await User.updateOne(
    { _id: id },
    { $set: { passwordHash, passwordChangedAt: new Date() }, $inc: { revision: 1 } },
    { session: tx },
  );
  await endSessions(tx, id);
  await revokeTokens(tx, id);
  await recordAuditEvent(
    tx,
    { ...origin, actor: { type: 'user', id } },
    { action: 'user.password-reset', target: { collection: 'users', id }, changes: ['password'] },
  );
  await enqueueMail(tx, keyring, { template: 'password-changed', to: user.email, data: noticeOf(origin) }, id);
  return true;
}
