import type { ClientSession, QueryFilter } from 'mongoose';
import { AppError } from '../errors.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import type { FactorOwner } from './factor.ts';
import { type AuthenticationMethod, type SessionRecord, strengthenSession } from './session.ts';
import { User, type UserRecord } from './user.ts';

/**
 * Notes that whoever uses the session has just proven who they are.
 * @param guard what the account must still be, such as the password hash that was verified
 * @throws {AppError} `invalid-token` when the session or what was proven is gone
 */
export async function reauthenticate(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  methods: readonly AuthenticationMethod[],
  guard: QueryFilter<UserRecord> = {},
): Promise<SessionRecord> {
  const user = await User.exists({ ...guard, _id: owner.userId, status: 'active' }).session(tx);
  if (!user) throw new AppError('invalid-token');
  const session = await strengthenSession(tx, owner, methods, new Date());
  await recordAuditEvent(tx, origin, {
    action: 'session.reauthenticated',
    target: { collection: 'sessions', id: owner._id },
  });
  return session;
}
