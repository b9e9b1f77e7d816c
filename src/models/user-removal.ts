import type { ClientSession, QueryFilter, Types } from 'mongoose';
import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import type { AuditOrigin } from './audit-event.ts';
import { keepAnAdmin } from './guard.ts';
import { Invitation } from './invitation.ts';
import { forgetAccount, forgetEmail } from './journal.ts';
import { refuseWhereRestricted } from './parents.ts';
import { Removal, removeReferences } from './references.ts';
import { User, type UserRecord } from './user.ts';

/**
 * Removes an account that `filter` still matches, for good, and does to whatever refers to it what its relation says: most of
 * it goes too. The audit trail stays: it names the account by its id alone.
 * @returns whether there was one
 * @throws {AppError} `legal-hold`, `last-admin`, `still-referenced`
 */
export async function removeUser(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  filter: QueryFilter<UserRecord>,
): Promise<boolean> {
  const user = await User.findOneAndDelete({ ...filter, _id: id }, { session: tx }).lean<UserRecord>();
  if (!user) return false;
  if (user.legalHold) throw new AppError('legal-hold');
  await refuseWhereRestricted(tx, 'User', [id]);
  await removeReferences(new Removal(origin, tx), 'User', [id]);
  await forgetTraces(tx, user);
  if (user.roles.includes('admin')) await keepAnAdmin(tx);
  return true;
}

/**
 * Removes an account again that a database of an earlier time brought back. Whatever kept it then, a legal hold or what
 * referred to it, had gone by the time it was removed.
 * @returns whether it was there
 */
export async function removeAgain(origin: AuditOrigin, id: Types.ObjectId): Promise<boolean> {
  if (!(await User.exists({ _id: id }))) return false;
  await removeReferences(new Removal(origin, undefined, { again: true }), 'User', [id]);
  return transaction(async (tx) => {
    const user = await User.findOneAndDelete({ _id: id }, { session: tx }).lean<UserRecord>();
    if (!user) return false;
    await forgetTraces(tx, user);
    return true;
  });
}

async function forgetTraces(tx: ClientSession, { _id, email }: UserRecord): Promise<void> {
  await forgetAccount(tx, _id);
  // Teams have asked for it by its email, which is as personal as the rest.
  await Invitation.deleteMany({ email }, { session: tx });
  await forgetEmail(tx, Invitation.collection.collectionName, email);
}
