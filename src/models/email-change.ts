import type { ClientSession, Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { mailedLink } from '../lib/mail/links.ts';
import type { Mail } from '../lib/mail/messages.ts';
import { type AccountStamp, guardOf } from './account-stamp.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { toId } from './ids.ts';
import { issueMailedToken, LINK_SECONDS, type MailOptions } from './mailed-token.ts';
import { noticeOf } from './notice.ts';
import { consumeToken, revokeTokens } from './one-time-token.ts';
import { enqueueMail } from './outbox.ts';
import { endSessions } from './session-end.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';
import { onRevision, type Precondition, whyNotFound } from './user-account.ts';

interface WantedEmail {
  readonly newEmail: string;
  /** The session that asks: the one that stays when the email changes. */
  readonly sessionId: Types.ObjectId;
  readonly precondition: Precondition;
  /** The account that has it already: its owner is told instead. */
  readonly takenBy: Types.ObjectId | undefined;
}

/** What a token goes on with. */
export interface PendingEmail extends AccountStamp {
  readonly newEmail: string;
  readonly sessionId: string;
}

export const whoHasEmail = async (email: string): Promise<Types.ObjectId | undefined> =>
  (await User.findOne({ email }, { _id: 1 }).lean())?._id;

/**
 * Mails a link to the new mailbox and a notice to the old one. Nothing changes until the link is followed. It does the
 * same and sends as many mails where the email is taken, so that whoever asks cannot tell.
 */
export async function requestEmailChange(
  tx: ClientSession,
  origin: AuditOrigin,
  user: UserRecord,
  { newEmail, sessionId, precondition, takenBy }: WantedEmail,
  { keyring, appUrl }: MailOptions,
): Promise<void> {
  const id = user._id;
  const filter = { _id: id, status: { $ne: 'deleted' }, ...onRevision(precondition) } as const;
  if (!(await User.exists(filter).session(tx))) throw await whyNotFound(tx, id, precondition);
  await revokeTokens(tx, id, ['email-change']);
  const seconds = LINK_SECONDS['confirm-email'];
  const token = await issueMailedToken(tx, keyring, user, {
    purpose: 'email-change',
    seconds,
    payload: { newEmail, sessionId: sessionId.toHexString() },
  });
  const link = mailedLink(appUrl, 'confirm-email', token);
  const notice = noticeOf(origin);
  const told = { ...notice, newEmail };
  await enqueueMail(tx, keyring, { template: 'email-change-requested', to: user.email, data: told }, id);
  const mail: Mail = takenBy
    ? { template: 'sign-up-again', to: newEmail, data: notice }
    : { template: 'confirm-new-email', to: newEmail, data: { link, validForSeconds: seconds } };
  await enqueueMail(tx, keyring, mail, takenBy ?? id);
  await recordAuditEvent(tx, origin, {
    action: 'user.email-change-requested',
    target: { collection: 'users', id },
  });
}

/**
 * Changes the email to the one whose mailbox is now proven. All that was mailed to the old one is void, and every
 * session ends but the one that asked for the change.
 * @returns null when the token is used up, expired or overtaken
 * @throws {AppError} `email-taken`: the unique index decides
 */
export async function changeEmail(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  token: string,
): Promise<UserRecord | null> {
  const used = await consumeToken<PendingEmail>(tx, keyring, 'email-change', token);
  if (!used?.userId) return null;
  const { userId: id, payload } = used;
  const user = await User.findOneAndUpdate(
    { ...guardOf(payload), _id: id, status: { $in: SIGN_IN_STATUSES } },
    { $set: { email: payload.newEmail, emailVerified: true }, $inc: { revision: 1 } },
    { session: tx, returnDocument: 'after' },
  )
    .lean<UserRecord>()
    .catch((error: unknown) => {
      throw isDuplicateKey(error) ? new AppError('email-taken', { cause: error }) : error;
    });
  if (!user) return null;
  await endSessions(tx, id, toId(payload.sessionId));
  await revokeTokens(tx, id);
  await recordAuditEvent(
    tx,
    { ...origin, actor: { type: 'user', id } },
    { action: 'user.email-changed', target: { collection: 'users', id }, changes: ['email', 'emailVerified'] },
  );
  const told = { ...noticeOf(origin), newEmail: user.email };
  await enqueueMail(tx, keyring, { template: 'email-changed', to: payload.email, data: told }, id);
  return user;
}
