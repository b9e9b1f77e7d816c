import { type ClientSession, model, Schema } from 'mongoose';
import { AppError } from '../errors.ts';
import { SIGN_IN_STATUSES, User } from './user.ts';

/**
 * A rule about several documents holds under snapshot isolation only if every transaction that could break it
 * writes one common document: then two of them conflict, and the second sees what the first did.
 */
export const GUARDS = ['admins'] as const;

const guardSchema = new Schema(
  { _id: { type: String, enum: GUARDS, required: true }, revision: { type: Number, required: true } },
  { collection: 'guards', versionKey: false },
);

export const Guard = model('Guard', guardSchema);

/**
 * To be called after the change, in its transaction, whenever an admin may have been lost.
 * @throws {AppError} `last-admin` when nobody who can sign in is an admin any more
 */
export async function keepAnAdmin(tx: ClientSession): Promise<void> {
  await Guard.updateOne({ _id: 'admins' }, { $inc: { revision: 1 } }, { session: tx, upsert: true });
  const admin = await User.findOne(
    { roles: 'admin', status: { $in: SIGN_IN_STATUSES } },
    { _id: 1 },
    // Admins are few: an index on the status would be walked instead.
    { session: tx, hint: { roles: 1, _id: 1 } },
  ).lean();
  if (!admin) throw new AppError('last-admin');
}
