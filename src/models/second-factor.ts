import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import type { SecondFactor } from './credential.ts';
import { hasSecondFactor } from './factor.ts';
import { consumeToken, countAttempt, findToken, issueToken } from './one-time-token.ts';
import { METHODS_OF } from './second-factor-change.ts';
import type { AuthenticationMethod } from './session.ts';
import type { Proof } from './sign-in.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';

/** How long a second factor may take: to find the telephone, not to try a million codes. */
const CHALLENGE_SECONDS = 10 * 60;

/** Tries of one challenge, right or wrong. */
const MAX_TRIES = 5;

/** A first factor that was proven, on its way to the second. */
interface PendingProof {
  readonly methods: readonly AuthenticationMethod[];
  /** Of the account at that moment, as JSON has them: whatever replaces them ends the challenge. */
  readonly email: string;
  readonly passwordChangedAt: string | null;
}

/** What the client needs to go on: `challenge` for the next step, `methods` that it may use there. */
export interface Challenge {
  readonly challenge: string;
  readonly methods: readonly ChallengeMethod[];
}

export const CHALLENGE_METHODS = ['totp', 'passkey', 'recovery-code'] as const;
export type ChallengeMethod = (typeof CHALLENGE_METHODS)[number];

/** Whether what was proven is enough by itself: a passkey is two factors, anything else may ask for a second one. */
export const needsSecondFactor = ({ user, methods }: Proof): boolean =>
  hasSecondFactor(user) && !methods.includes('mfa');

/**
 * Instead of a session: the first factor alone opens nothing. The account is read again in this transaction, so that
 * what was proven about an account that has changed since leads nowhere.
 * @returns null when the account has changed since
 */
export async function challengeSecondFactor(
  tx: ClientSession,
  origin: AuditOrigin,
  { user: verified, methods, guard, renewedHash }: Proof,
  keyring: Keyring,
): Promise<Challenge | null> {
  const filter = { ...guard, _id: verified._id, status: { $in: SIGN_IN_STATUSES } };
  const user = renewedHash
    ? await User.findOneAndUpdate(
        filter,
        { $set: { passwordHash: renewedHash } },
        { session: tx, timestamps: false },
      ).lean<UserRecord>()
    : await User.findOne(filter, undefined, { session: tx }).lean<UserRecord>();
  if (!user) return null;
  const pending: PendingProof = {
    methods,
    email: user.email,
    passwordChangedAt: user.passwordChangedAt?.toISOString() ?? null,
  };
  const challenge = await issueToken(tx, keyring, {
    purpose: 'second-factor',
    seconds: CHALLENGE_SECONDS,
    userId: user._id,
    payload: pending,
  });
  await recordAuditEvent(tx, origin, { action: 'session.challenged', target: { collection: 'users', id: user._id } });
  return { challenge, methods: methodsFor(user.secondFactors ?? []) };
}

/** A recovery code stands in for any of them. */
const methodsFor = (factors: readonly SecondFactor[]): ChallengeMethod[] => [...factors, 'recovery-code'];

/** The rule that a session opened by the second step must still satisfy: nothing of the first has been overtaken. */
const guardOf = ({ email, passwordChangedAt }: PendingProof): Proof['guard'] => ({
  email,
  passwordChangedAt: passwordChangedAt === null ? null : new Date(passwordChangedAt),
});

const ended = (): AppError => new AppError('invalid-token', { detail: 'The challenge has ended. Sign in again.' });

/** Whose challenge it is. @throws {AppError} `invalid-token` when it is none, or none any more */
export async function findChallenge(keyring: Keyring, challenge: string): Promise<Types.ObjectId> {
  const found = await findToken(keyring, 'second-factor', challenge);
  if (!found?.userId || found.attempts >= MAX_TRIES) throw ended();
  return found.userId;
}

/** Counts a try before anything is compared, so that parallel ones get no more answers. @throws as `findChallenge` */
export async function tryChallenge(keyring: Keyring, challenge: string): Promise<Types.ObjectId> {
  const found = await findToken(keyring, 'second-factor', challenge);
  if (!found?.userId || !(await countAttempt(found._id, MAX_TRIES))) throw ended();
  return found.userId;
}

/**
 * Takes the challenge, in the transaction that opens the session, and puts the second factor to the first.
 * @returns null when somebody else has taken it
 */
export async function completeChallenge(
  tx: ClientSession,
  keyring: Keyring,
  challenge: string,
  factor: SecondFactor,
): Promise<Proof | null> {
  const taken = await consumeToken<PendingProof>(tx, keyring, 'second-factor', challenge);
  if (!taken) return null;
  const user = await User.findOne({ _id: taken.userId }, { status: 1 }, { session: tx }).lean<UserRecord>();
  if (!user) return null;
  const methods = [...new Set([...taken.payload.methods, ...METHODS_OF[factor]])];
  return { user, methods, guard: guardOf(taken.payload) };
}
