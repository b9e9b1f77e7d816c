import type { ClientSession } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import type { LinkPath } from '../lib/mail/links.ts';
import { stampOf } from './account-stamp.ts';
import { issueToken, issueTokens, type TokenPurpose } from './one-time-token.ts';
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
  /** Whoever is invited may be away for some days. */
  'accept-invitation': 7 * 24 * HOUR,
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

/** Revoking is not enough against one that is being mailed while the email changes, so each knows what it was made for. */
const stamped = (user: UserRecord, { payload, ...wanted }: NewMailedToken) => ({
  ...wanted,
  userId: user._id,
  payload: { ...payload, ...stampOf(user) },
});

/** Makes a token for the mailbox of an account. */
export const issueMailedToken = (
  tx: ClientSession,
  keyring: Keyring,
  user: UserRecord,
  wanted: NewMailedToken,
): Promise<string> => issueToken(tx, keyring, stamped(user, wanted));

/** Two of them for one mail, in one command. */
export const issueMailedTokens = (
  tx: ClientSession,
  keyring: Keyring,
  user: UserRecord,
  ...[one, other]: [NewMailedToken, NewMailedToken]
): Promise<[string, string]> => issueTokens(tx, keyring, stamped(user, one), stamped(user, other));

/** The account that mail for an email is about: one that may sign in. */
export const findForMail = (email: string): Promise<UserRecord | null> =>
  User.findOne({ email, status: { $in: SIGN_IN_STATUSES } })
    .lean<UserRecord>()
    .exec();
