import type { ClientSession } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import type { SecondFactor } from './credential.ts';
import { issueToken } from './one-time-token.ts';
import type { AuthenticationMethod } from './session.ts';
import type { Proof } from './sign-in.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';

/** How long a second factor may take: to find the telephone, not to try a million codes. */
const CHALLENGE_SECONDS = 10 * 60;

/** A first factor that was proven, on its way to the second. */
export interface PendingProof {
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
  (user.secondFactors ?? []).length > 0 && !methods.includes('mfa');

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
  return { challenge, methods: methodsOf(user.secondFactors ?? []) };
}

/** A recovery code stands in for any of them. */
const methodsOf = (factors: readonly SecondFactor[]): ChallengeMethod[] => [...factors, 'recovery-code'];

/** The rule that a session opened by the second step must still satisfy: nothing of the first has been overtaken. */
export const guardOf = ({ email, passwordChangedAt }: PendingProof): Proof['guard'] => ({
  email,
  passwordChangedAt: passwordChangedAt === null ? null : new Date(passwordChangedAt),
});
