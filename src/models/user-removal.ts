import type { ClientSession, QueryFilter, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { keepAnAdmin } from './guard.ts';
import { type AnyModel, relationsTo } from './relations.ts';
import { User, type UserRecord } from './user.ts';

/** What belongs to an account and has no meaning without it. */
export const ownedModels = (): readonly AnyModel[] =>
  relationsTo('User')
    .filter(({ onDelete }) => onDelete === 'cascade')
    .map(({ child }) => child);

/**
 * Removes an account that `filter` still matches, with all that belongs to it, for good. The audit trail stays: it
 * names the account by its id alone.
 * @returns whether there was one
 * @throws {AppError} `legal-hold`, `last-admin`
 */
export async function removeUser(
  tx: ClientSession,
  id: Types.ObjectId,
  filter: QueryFilter<UserRecord>,
): Promise<boolean> {
  const user = await User.findOneAndDelete({ ...filter, _id: id }, { session: tx }).lean<UserRecord>();
  if (!user) return false;
  if (user.legalHold) throw new AppError('legal-hold');
  for (const model of ownedModels()) await model.collection.deleteMany({ userId: id }, { session: tx });
  if (user.roles.includes('admin')) await keepAnAdmin(tx);
  return true;
}
