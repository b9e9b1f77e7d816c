import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { Credential } from './credential.ts';
import { Identity } from './identity.ts';
import { User } from './user.ts';

/**
 * An account keeps one way to sign in: a password, a passkey or an identity. To be called after one was taken away, in
 * the same transaction. The account is written first, so that of two changes at once the second sees the first.
 *
 * A mailed link does not count, although it works for every verified mailbox: it is how an account is recovered, and
 * an account that nothing else opens would be whoever's its mailbox is.
 * @throws {AppError} `last-credential` when none is left
 */
export async function keepAWayIn(tx: ClientSession, userId: Types.ObjectId): Promise<void> {
  const user = await User.findOneAndUpdate(
    { _id: userId },
    { $inc: { waysInRevision: 1 } },
    { session: tx, timestamps: false, projection: { passwordHash: 1 } },
  ).lean<{ passwordHash?: string }>();
  if (user?.passwordHash) return;
  if (await Credential.exists({ userId, type: 'passkey' }).session(tx)) return;
  if (await Identity.exists({ userId }).session(tx)) return;
  throw new AppError('last-credential');
}
