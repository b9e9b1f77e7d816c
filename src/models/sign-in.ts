import { randomBytes } from 'node:crypto';
import { type ClientSession, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { hashRefreshToken, mintRefreshToken } from '../lib/refresh-token.ts';
import { CeremonyError } from '../lib/webauthn.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { type AuthenticationMethod, Session, type SessionRecord, sealClient } from './session.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';

export interface SessionLifetimes {
  readonly SESSION_IDLE_SECONDS: number;
  readonly SESSION_LIFETIME_SECONDS: number;
}

/** A session and the refresh token that only its owner will ever see. */
export interface IssuedSession {
  readonly session: SessionRecord;
  readonly refreshToken: string;
}

/** What was proven about an account, by whatever factors. */
export interface Proof {
  readonly user: Pick<UserRecord, '_id' | 'email' | 'emailVerified' | 'status' | 'secondFactors'>;
  readonly methods: readonly AuthenticationMethod[];
  /**
   * What the account must still be in the very transaction that opens the session, such as the password hash that was
   * verified: whatever was proven about another one counts for nothing.
   */
  readonly guard: Readonly<
    Partial<Pick<UserRecord, 'email' | 'emailVerified' | 'passwordHash' | 'passwordChangedAt' | 'revision'>>
  >;
  /** Replaces the password's hash, whose cost is no longer the current one. */
  readonly renewedHash?: string | undefined;
}

/** What a proof says of its account, for whoever reads it by its id. */
export const PROVEN_FIELDS = { email: 1, emailVerified: 1, status: 1, secondFactors: 1 } as const;

export interface SignInOptions {
  readonly keyring: Keyring;
  readonly lifetimes: SessionLifetimes;
}

/**
 * Everything that a password sign-in looks at, or nothing: unknown and malformed emails are alike to the caller. Here
 * and below the driver is asked itself: beside a hash, what mongoose adds to each command is most of what a sign-in
 * costs this process.
 */
export const findForSignIn = (email: string): Promise<UserRecord | null> =>
  User.collection.findOne<UserRecord>({ email });

/**
 * What a passkey proves that verified its user: whose it is, by two factors at once.
 * @throws CeremonyError when the account signs in nowhere, which is to be told from no other passkey that is refused
 */
export async function proofByPasskey(tx: ClientSession, userId: Types.ObjectId): Promise<Proof> {
  const user = await User.findOne({ _id: userId, status: { $in: SIGN_IN_STATUSES } }, PROVEN_FIELDS, {
    session: tx,
  }).lean<UserRecord>();
  if (!user) throw new CeremonyError('Its account does not sign in.');
  return { user, methods: ['pop', 'mfa'], guard: {} };
}

/**
 * Opens a session. The update of the account carries the rule: it matches only while the account may sign in and is
 * what was proven, and it makes this transaction conflict with one that suspends, deletes, demotes or adds a factor.
 * @returns null when the account has changed since, so that it must be proven anew
 */
export async function startSession(
  tx: ClientSession,
  origin: AuditOrigin,
  { user: verified, methods, guard, renewedHash }: Proof,
  options: SignInOptions,
): Promise<(IssuedSession & { user: UserRecord }) | null> {
  const user = await markSignedIn(tx, { user: verified, methods, guard, renewedHash });
  if (!user) return null;
  const { session, refreshToken } = newSession(user, methods, origin, options);
  await Session.collection.insertOne(session, { session: tx, ignoreUndefined: true });
  await recordAuditEvent(tx, origin, {
    action: 'session.created',
    target: { collection: 'users', id: user._id },
    ...(renewedHash && { changes: ['passwordHash'] }),
  });
  return { user, session, refreshToken };
}

/** The rule of a sign-in, and its trace on the account. */
async function markSignedIn(
  tx: ClientSession,
  { user: { _id, status }, methods, guard, renewedHash }: Proof,
): Promise<UserRecord | null> {
  const wakes = status === 'inactive';
  // A factor may have been added since the account was read.
  const alone = methods.includes('mfa') ? {} : { 'secondFactors.0': { $exists: false } };
  const user: unknown = await User.collection.findOneAndUpdate(
    { ...guard, ...alone, _id, status: { $in: [...SIGN_IN_STATUSES] } },
    {
      $set: { status: 'active', lastSignInAt: new Date(), ...(renewedHash && { passwordHash: renewedHash }) },
      // An update that changes nothing is no write, and conflicts with nobody: the second of two in one millisecond.
      $inc: { waysInRevision: 1, ...(wakes && { revision: 1 }) },
      $unset: { dormancyWarnedAt: 1 },
      ...(wakes && { $currentDate: { updatedAt: true } }),
    },
    { session: tx, returnDocument: 'after', projection: { passwordHash: 0 } },
  );
  return user as UserRecord | null;
}

function newSession(
  user: UserRecord,
  methods: readonly AuthenticationMethod[],
  origin: AuditOrigin,
  { keyring, lifetimes }: SignInOptions,
): IssuedSession {
  const now = new Date();
  const _id = new Types.ObjectId();
  const seed = randomBytes(32);
  const refreshToken = mintRefreshToken(keyring, { sessionId: _id.toHexString(), rotation: 0, seed });
  const session: SessionRecord = {
    _id,
    userId: user._id,
    status: user.status,
    roles: user.roles,
    refreshTokenHash: hashRefreshToken(refreshToken),
    seed: seed.toString('base64url'),
    rotation: 0,
    rotatedAt: now,
    authenticationMethods: [...methods],
    authenticatedAt: now,
    ...sealClient(keyring, _id, origin),
    createdAt: now,
    lastUsedAt: now,
    ...expiries(now, now, lifetimes),
  };
  return { session, refreshToken };
}

/** The idle limit never outlives the absolute one. */
export function expiries(
  createdAt: Date,
  usedAt: Date,
  lifetimes: SessionLifetimes,
): { idleExpiresAt: Date; expiresAt: Date } {
  const expiresAt = createdAt.getTime() + lifetimes.SESSION_LIFETIME_SECONDS * 1000;
  const idle = usedAt.getTime() + lifetimes.SESSION_IDLE_SECONDS * 1000;
  return { idleExpiresAt: new Date(Math.min(idle, expiresAt)), expiresAt: new Date(expiresAt) };
}
