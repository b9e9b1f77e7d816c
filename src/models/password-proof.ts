import { AppError } from '../errors.ts';
import { readDeviceToken } from '../lib/device-token.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { Passwords } from '../lib/passwords.ts';
import { type AuditAction, type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import type { SignInFailures } from './sign-in-failures.ts';
import { SIGN_IN_STATUSES, type UserRecord } from './user.ts';

export interface ProofOptions {
  readonly keyring: Keyring;
  readonly passwords: Passwords;
  readonly signInFailures: SignInFailures;
  /** The right password of an account whose mailbox is not proven counts as a wrong one. */
  readonly verifiedOnly?: boolean;
}

interface Attempt {
  readonly email: string;
  readonly password: string;
  /** Of an earlier sign-in on the same device. */
  readonly deviceToken?: string | undefined;
  /** The device, where the session that the request came with tells it. */
  readonly device?: Buffer;
  /** What the failure is recorded as. */
  readonly action: AuditAction;
}

/** An account whose password was just proven, with the hash it was proven against. */
export interface ProvenUser {
  readonly user: UserRecord & { readonly passwordHash: string };
  /** Whether the hash should be renewed with the current cost. */
  readonly renew: boolean;
}

/**
 * Checks a password, alike in time, answer and count for accounts that exist and that do not.
 *
 * Only failures count, so any number of right attempts may run in parallel; and a failure is counted before it is
 * answered, so that parallel wrong ones never get more answers than the limit allows. A right password that was
 * overtaken by that many failures is answered as they are. Errors of the database count as nothing.
 *
 * The count is not looked at beforehand. It would spare the hash for an email that is over its limit, but a flood can
 * have that hash for any other email. The bounded queue of the hashes and the limit by address answer floods.
 * @throws {AppError} `invalid-credentials`, or `rate-limited` after too many failures for one email
 */
export async function provePassword(
  find: (email: string) => Promise<UserRecord | null>,
  { email, password, deviceToken, device: known, action }: Attempt,
  origin: AuditOrigin,
  { keyring, passwords, signInFailures: failures, verifiedOnly = false }: ProofOptions,
): Promise<ProvenUser> {
  const user = await find(email);
  const device =
    known ?? (user && deviceToken ? readDeviceToken(keyring, user._id.toHexString(), deviceToken) : undefined);
  const lanes = failures.lanesOf({ email, ip: origin.ip, device });
  const { valid, renew } = await passwords.verify(user?.passwordHash ?? undefined, password);
  // Looked at for right and wrong ones alike: over the limit, neither answer nor time tells which it was.
  await failures.assertNotExhausted(lanes);
  const mayProve = SIGN_IN_STATUSES.some((status) => status === user?.status) && (user?.emailVerified || !verifiedOnly);
  if (valid && user?.passwordHash && mayProve) return { user: { ...user, passwordHash: user.passwordHash }, renew };
  const delayMs = await failures.count(lanes);
  await recordAuditEvent(undefined, origin, {
    action,
    outcome: 'failure',
    reason: 'invalid-credentials',
    target: { collection: 'users', ...(user && { id: user._id }) },
  });
  await failures.holdBack(delayMs);
  throw new AppError('invalid-credentials');
}
