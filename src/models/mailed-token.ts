import type { ClientSession } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import type { LinkPath } from '../lib/mail/links.ts';
import { stampOf } from './account-stamp.ts';
import { issueToken, type TokenPurpose } from './one-time-token.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** How long a mailed link works, in seconds: as long as its errand takes, since others may come to read a mailbox. */
export const LINK_SECONDS = Object.freeze({
  'verify-email': 24 * HOUR,
  'reject-sign-up': 24 * HOUR,
  'reset-password': 30 * MINUTE,
  /** Sent by an admin, when its receiver does not wait for it. */
  'choose-password': 24 * HOUR,
  'confirm-email': HOUR,
  'magic-link': 15 * MINUTE,
}) satisfies Readonly<Record<LinkPath, number>>;

/** What mail is made with, besides the account that it is for. */
export interface MailOptions {
  readonly keyring: Keyring;
  /** Where links lead. */
  readonly appUrl: string;
}

interface NewMailedToken {
  readonly purpose: TokenPurpose;
  readonly seconds: number;
  readonly payload?: object;
  readonly token?: string;
}

/**
 * Makes a token for the mailbox of an account. Revoking is not enough against one that is being mailed while the email
 * changes, so each token also knows what it was made for.
 */
export const issueMailedToken = (
  tx: ClientSession,
  keyring: Keyring,
  user: UserRecord,
  { purpose, seconds, payload, token }: NewMailedToken,
): Promise<string> =>
  issueToken(tx, keyring, {
    purpose,
    seconds,
    userId: user._id,
    payload: { ...payload, ...stampOf(user) },
    ...(token !== undefined && { token }),
  });

/** The account that mail for an email is about: one that may sign in. */
export const findForMail = (email: string): Promise<UserRecord | null> =>
  User.findOne({ email, status: { $in: SIGN_IN_STATUSES } })
    .lean<UserRecord>()
    .exec();
