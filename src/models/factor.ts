import type { ClientSession } from 'mongoose';
import { AppError } from '../errors.ts';
import type { LiveSession } from './session.ts';
import { User, type UserRecord } from './user.ts';

/** Whoever changes their own factors, in the session in which they do. */
export type FactorOwner = Pick<LiveSession, '_id' | 'userId' | 'authenticationMethods'>;

export const hasSecondFactor = ({ secondFactors }: Pick<UserRecord, 'secondFactors'>): boolean =>
  (secondFactors ?? []).length > 0;

/**
 * Everything that adds or removes a factor begins with this. It writes the account, so that two such changes conflict.
 * @throws {AppError} `reauthentication-required` in a session that was opened without the second factor that the
 *   account has: whoever holds that session must not be able to take the factor away
 */
export async function beginFactorChange(
  tx: ClientSession,
  { userId, authenticationMethods }: FactorOwner,
): Promise<UserRecord> {
  const user = await User.findOneAndUpdate(
    { _id: userId, status: 'active' },
    { $inc: { waysInRevision: 1 } },
    { session: tx, timestamps: false },
  ).lean<UserRecord>();
  if (!user) throw new AppError('invalid-token');
  if (hasSecondFactor(user) && !authenticationMethods.includes('mfa')) throw new AppError('reauthentication-required');
  return user;
}
