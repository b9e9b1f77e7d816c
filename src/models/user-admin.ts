import type { ClientSession } from 'mongoose';
import { AppError } from '../errors.ts';
import type { AuditOrigin } from './audit-event.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';
import { changeRoles } from './user-account.ts';

/**
 * Adds the role admin to an account, and to its sessions.
 * @returns the account, and whether it had to be changed
 * @throws {AppError} `not-found`, or `invalid-status` when it could not sign in as an admin
 */
export async function makeAdmin(
  tx: ClientSession,
  origin: AuditOrigin,
  email: string,
): Promise<{ user: UserRecord; changed: boolean }> {
  const user = await User.findOne({ email }, null, { session: tx }).lean<UserRecord>();
  if (!user) throw new AppError('not-found');
  if (!SIGN_IN_STATUSES.some((status) => status === user.status))
    throw new AppError('invalid-status', { detail: `The account is ${user.status}.` });
  if (user.roles.includes('admin')) return { user, changed: false };
  return { user: await changeRoles(tx, origin, user._id, [...user.roles, 'admin']), changed: true };
}
