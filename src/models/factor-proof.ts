import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { CeremonyError, OriginError } from '../lib/webauthn.ts';
import { type AuditAction, type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import type { CodeFailures, CodeMethod } from './code-failures.ts';
import type { CredentialRecord } from './credential.ts';
import type { FactorOptions } from './factor.ts';
import { type CeremonyOptions, CounterError, type Occasion, usePasskey } from './passkey-ceremony.ts';
import { useRecoveryCode } from './recovery-code.ts';
import { useTotp } from './totp.ts';

/** Uses up, in a transaction, what is proven: it succeeds or fails together with what the proof is for. */
export type UseFactor<T = void> = (tx: ClientSession) => Promise<T>;

interface CodeAttempt {
  readonly userId: Types.ObjectId;
  readonly method: CodeMethod;
  readonly code: string;
  /** A device that is known for the account, or the session that asks. */
  readonly device?: Buffer | undefined;
}

interface CodeOptions extends FactorOptions {
  readonly codeFailures: CodeFailures;
}

const targetOf = (userId?: Types.ObjectId) => ({ collection: 'users', ...(userId && { id: userId }) });

const usedBy = (origin: AuditOrigin, userId: Types.ObjectId): AuditOrigin => ({
  ...origin,
  actor: { type: 'user', id: userId },
});

const recordUse = (tx: ClientSession, origin: AuditOrigin, userId: Types.ObjectId, factor: string): Promise<void> =>
  recordAuditEvent(tx, usedBy(origin, userId), { action: 'factor.used', target: targetOf(userId), changes: [factor] });

function useCode(
  tx: ClientSession,
  { userId, method, code }: CodeAttempt,
  origin: AuditOrigin,
  options: FactorOptions,
): Promise<boolean> {
  if (method === 'totp') return useTotp(tx, userId, code, options);
  return useRecoveryCode(tx, origin, userId, code, options);
}

/**
 * Does `work` with a code, which `work` uses up in its transaction. The rules are those of `provePassword`: only
 * failures count, so that right codes may come in parallel; a failure is counted before it is answered; and a right code
 * that so many failures have overtaken is answered as they are. A code that was used counts as a wrong one, since the
 * two must not be told apart.
 * @throws {AppError} `invalid-code`, or `rate-limited` after too many failures of one person
 */
export async function provingCode<T>(
  attempt: CodeAttempt,
  origin: AuditOrigin,
  options: CodeOptions,
  work: (use: UseFactor) => Promise<T>,
): Promise<T> {
  const { userId, method, device } = attempt;
  const { codeFailures: failures } = options;
  const lane = failures.laneOf(userId, method, device);
  try {
    return await work(async (tx) => {
      if (!(await useCode(tx, attempt, origin, options))) throw new AppError('invalid-code');
      await failures.assertNotExhausted(lane);
      await recordUse(tx, origin, userId, method);
    });
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'invalid-code')) throw error;
    // Over the limit, neither answer nor time tells a wrong code from a right one.
    await failures.assertNotExhausted(lane);
    await failures.count(lane);
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
      await recordUse(tx, origin, passkey.userId, `passkeys.${passkey._id.toHexString()}`);
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
