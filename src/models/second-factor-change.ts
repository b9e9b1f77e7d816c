import type { ClientSession } from 'mongoose';
import type { AuditOrigin } from './audit-event.ts';
import { Credential, type SecondFactor } from './credential.ts';
import { type FactorOptions, type FactorOwner, hasSecondFactor, tellOfFactor } from './factor.ts';
import { dropRecoveryCodes, firstRecoveryCodes } from './recovery-code.ts';
import { type AuthenticationMethod, strengthenSession } from './session.ts';
import { endSessions } from './session-end.ts';
import { User, type UserRecord } from './user.ts';

/** How a session is proven that has just proven a factor of this kind besides what opened it. */
export const METHODS_OF: Readonly<Record<SecondFactor, readonly AuthenticationMethod[]>> = Object.freeze({
  totp: ['otp', 'mfa'],
  passkey: ['pop', 'mfa'],
});

interface ChangedFactor {
  readonly kind: SecondFactor;
  /** The path of the audit trail. */
  readonly path: string;
  readonly name?: string | undefined;
}

/**
 * To be called once a new factor is stored. From now on the account is asked for a second factor. With the first one
 * its other sessions end, as they were opened without; the session that added it has proven it.
 * @returns recovery codes, if the account has none
 */
export async function addSecondFactor(
  tx: ClientSession,
  origin: AuditOrigin,
  { user, owner }: { readonly user: UserRecord; readonly owner: FactorOwner },
  { kind, path, name }: ChangedFactor,
  options: FactorOptions,
): Promise<string[] | undefined> {
  await User.updateOne({ _id: user._id }, { $addToSet: { secondFactors: kind } }, { session: tx, timestamps: false });
  if (!hasSecondFactor(user)) await endSessions(tx, user._id, owner._id);
  await strengthenSession(tx, owner, METHODS_OF[kind]);
  await tellOfFactor(tx, origin, user, { action: 'factor.added', factor: kind, path, name }, options);
  return firstRecoveryCodes(tx, user._id, options);
}

/** To be called once a factor is gone. */
export async function removeSecondFactor(
  tx: ClientSession,
  origin: AuditOrigin,
  user: UserRecord,
  { kind, path, name }: ChangedFactor,
  options: FactorOptions,
): Promise<void> {
  const another = await Credential.exists({ userId: user._id, type: kind }).session(tx);
  const left = (user.secondFactors ?? []).filter((each) => each !== kind || another);
  await User.updateOne({ _id: user._id }, { $set: { secondFactors: left } }, { session: tx, timestamps: false });
  if (left.length === 0) await dropRecoveryCodes(tx, user._id);
  await tellOfFactor(tx, origin, user, { action: 'factor.removed', factor: kind, path, name }, options);
}
