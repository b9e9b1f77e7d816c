import type { ClientSession } from 'mongoose';
import { AppError } from '../errors.ts';
import type { ExternalIdentity } from '../lib/identity/claims.ts';
import type { Proven } from '../lib/identity/provider.ts';
import type { AuditOrigin } from './audit-event.ts';
import { mailVerification } from './email-verification.ts';
import { hasSecondFactor } from './factor.ts';
import { addIdentity, findIdentity, type IdentityOptions, refreshIdentity } from './identity-link.ts';
import { proveMailbox } from './mailbox.ts';
import type { Proof } from './sign-in.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';
import { createUser } from './user-account.ts';
import { profileChange } from './user-fields.ts';
import type { NameKeeping } from './user-names.ts';

const proofOf = (user: UserRecord): Proof => ({ user, methods: ['fed'], guard: {} });

const maySignIn = ({ status }: UserRecord): boolean => SIGN_IN_STATUSES.some((each) => each === status);

export interface IdentitySignInOptions extends IdentityOptions {
  /** Whether an email that nobody has verified counts for nothing, as it would tell of an account, or open none. */
  readonly verifiedOnly: boolean;
  readonly names: NameKeeping;
}

/**
 * Whose account an identity opens: the one that it is linked to; else one with its email, if both sides have seen that
 * the mailbox is theirs; else a new one.
 * @returns null when the account may not sign in
 * @throws {AppError} `email-required`, `link-required`, and `email-taken` or a duplicate key when a parallel sign-in
 *   was first, so that it has to be tried again
 */
export async function proveByIdentity(
  tx: ClientSession,
  origin: AuditOrigin,
  proven: Proven,
  options: IdentitySignInOptions,
): Promise<Proof | null> {
  const known = await findIdentity(tx, proven);
  if (known) {
    const user = await User.findOne({ _id: known.userId }, undefined, { session: tx }).lean<UserRecord>();
    if (!user || !maySignIn(user)) return null;
    await refreshIdentity(tx, known, proven, options);
    return proofOf(user);
  }
  const { email, emailVerified } = proven.identity;
  if (email === undefined || (options.verifiedOnly && !emailVerified)) throw new AppError('email-required');
  const found = await User.findOne({ email }, undefined, { session: tx }).lean<UserRecord>();
  const user = found
    ? await accountOfMailbox(tx, origin, found, proven.identity)
    : await newAccount(tx, origin, { ...proven.identity, email }, options);
  if (!user) return null;
  const byOwner = { ...origin, actor: { type: 'user', id: user._id } } as const;
  await addIdentity(tx, byOwner, user, proven, options);
  return proofOf(user);
}

/**
 * An account that the identity was never linked to. A provider's word that the mailbox is theirs is as good as a link
 * that was mailed there, and no better: it never stands in for a second factor that somebody has added since.
 */
async function accountOfMailbox(
  tx: ClientSession,
  origin: AuditOrigin,
  account: UserRecord,
  { emailVerified }: ExternalIdentity,
): Promise<UserRecord | null> {
  if (!maySignIn(account)) return null;
  if (!emailVerified || (account.emailVerified && hasSecondFactor(account))) throw new AppError('link-required');
  return proveMailbox(tx, origin, account._id, { email: account.email });
}

/** An account without a password. What the provider tells of the person is theirs to change, and refused nowhere. */
async function newAccount(
  tx: ClientSession,
  origin: AuditOrigin,
  { email, emailVerified, firstName, lastName, avatarUrl }: ExternalIdentity & { readonly email: string },
  options: IdentitySignInOptions,
): Promise<UserRecord> {
  const { set: profile } = profileChange({
    ...(firstName !== undefined && { firstName }),
    ...(lastName !== undefined && { lastName }),
    ...(avatarUrl !== undefined && { avatarUrl }),
  });
  const user = await createUser(tx, origin, options.names, { email, emailVerified, profile });
  if (!emailVerified) await mailVerification(tx, user, options);
  return user;
}
