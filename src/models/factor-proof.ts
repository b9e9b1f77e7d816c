import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { CeremonyError, OriginError } from '../lib/webauthn.ts';
import { type AuditAction, type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import type { CredentialRecord } from './credential.ts';
import type { FactorOptions } from './factor.ts';
import { type CeremonyOptions, CounterError, type Occasion, usePasskey } from './passkey-ceremony.ts';
import { type Count, countNow, countUp, type Limit } from './rate-limit.ts';
import { useRecoveryCode } from './recovery-code.ts';
import { useTotp } from './totp.ts';

export const CODE_METHODS = ['totp', 'recovery-code'] as const;
export type CodeMethod = (typeof CODE_METHODS)[number];

/**
 * Wrong codes of a person, whatever the challenge: whoever has the password can have as many challenges as they like.
 * Three of a million codes are right at a time, so that ten an hour take years to find one. Each method has a count of
 * its own: whoever guesses one does not shut the owner out of the other.
 */
const limitOf = (method: CodeMethod): Limit => ({ name: `wrong-${method}`, max: 10, windowMs: 60 * 60_000 });

interface CodeAttempt {
  readonly userId: Types.ObjectId;
  readonly method: CodeMethod;
  readonly code: string;
}

/** Uses up, in a transaction, what is proven: it succeeds or fails together with what the proof is for. */
export type UseFactor<T = void> = (tx: ClientSession) => Promise<T>;

const targetOf = (userId?: Types.ObjectId) => ({ collection: 'users', ...(userId && { id: userId }) });

const usedBy = (origin: AuditOrigin, userId: Types.ObjectId): AuditOrigin => ({
  ...origin,
  actor: { type: 'user', id: userId },
});

/**
 * Does `work` with a code, which `work` uses up in its transaction. The rules are those of `provePassword`: only
 * failures count, so that right codes may come in parallel; a failure is counted before it is answered; and a right code
 * that so many failures have overtaken is answered as they are. A code that was used counts as a wrong one, since the
 * two must not be told apart.
 * @throws {AppError} `invalid-code`, or `rate-limited` after too many failures of one person
 */
export async function provingCode<T>(
  { userId, method, code }: CodeAttempt,
  origin: AuditOrigin,
  options: FactorOptions,
  work: (use: UseFactor) => Promise<T>,
): Promise<T> {
  const limit = limitOf(method);
  const key = options.keyring.mac('rate-limit', `factor:${userId.toHexString()}`).toString('base64url');
  const checkLimit = async (): Promise<void> => {
    const failures = await countNow(limit, key);
    if (failures.count >= limit.max) throw tooMany(failures);
  };
  const use: UseFactor = async (tx) => {
    const owner = usedBy(origin, userId);
    const right =
      method === 'totp'
        ? await useTotp(tx, userId, code, options)
        : await useRecoveryCode(tx, owner, userId, code, options);
    if (!right) throw new AppError('invalid-code');
    await checkLimit();
    await recordUse(tx, owner, userId, method);
  };
  try {
    return await work(use);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'invalid-code')) throw error;
    await checkLimit();
    const failures = await countUp(limit, key);
    if (failures.count > limit.max) throw tooMany(failures);
    await recordAuditEvent(undefined, origin, {
      action: 'factor.used',
      outcome: 'failure',
      reason: error.code,
      target: targetOf(userId),
      changes: [method],
    });
    throw error;
  }
}

const recordUse = (tx: ClientSession, origin: AuditOrigin, userId: Types.ObjectId, factor: string): Promise<void> =>
  recordAuditEvent(tx, origin, { action: 'factor.used', target: targetOf(userId), changes: [factor] });

const tooMany = ({ resetMs }: Count): AppError =>
  new AppError('rate-limited', { headers: { 'retry-after': String(Math.max(1, Math.ceil(resetMs / 1000))) } });

interface PasskeyAttempt {
  readonly occasion: Occasion;
  readonly assertion: AuthenticationResponseJSON;
  /** What a failure is recorded as. */
  readonly action: AuditAction;
}

/**
 * Does `work` with an assertion, which `work` uses up in its transaction. A signature cannot be guessed, so failures are
 * recorded and not counted.
 * @throws {AppError} `invalid-passkey`, alike for a passkey that is not known and one that does not verify
 */
export async function provingPasskey<T>(
  { occasion, assertion, action }: PasskeyAttempt,
  origin: AuditOrigin,
  options: CeremonyOptions,
  work: (use: UseFactor<CredentialRecord>) => Promise<T>,
): Promise<T> {
  try {
    return await work(async (tx) => {
      const passkey = await usePasskey(tx, occasion, assertion, options);
      await recordUse(tx, usedBy(origin, passkey.userId), passkey.userId, `passkeys.${passkey._id.toHexString()}`);
      return passkey;
    });
  } catch (error) {
    if (!(error instanceof CeremonyError)) throw error;
    const copied = error instanceof CounterError;
    await recordAuditEvent(undefined, origin, {
      action,
      outcome: copied ? 'denied' : 'failure',
      reason: copied ? 'passkey-counter-regressed' : 'invalid-passkey',
      target: targetOf(copied ? error.userId : occasion.userId),
    });
    const detail = error instanceof OriginError ? { detail: error.message } : {};
    throw new AppError('invalid-passkey', { ...detail, cause: error });
  }
}
