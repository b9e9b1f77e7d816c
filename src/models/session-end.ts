import { type ClientSession, Types } from 'mongoose';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { Session } from './session.ts';

/** Ends one session of an account; whether it was there is for the caller to judge. */
export async function endSession(
  tx: ClientSession,
  origin: AuditOrigin,
  userId: Types.ObjectId,
  id: string,
): Promise<boolean> {
  const _id = new Types.ObjectId(id);
  const { deletedCount } = await Session.deleteOne({ _id, userId }, { session: tx });
  if (deletedCount === 0) return false;
  await recordAuditEvent(tx, origin, { action: 'session.ended', target: { collection: 'sessions', id: _id } });
  return true;
}

/** Ends all sessions of an account, with one audit event for the lot. */
export async function endAllSessions(tx: ClientSession, origin: AuditOrigin, userId: Types.ObjectId): Promise<void> {
  const ended = await endSessions(tx, userId);
  // None is left when a parallel request was first: it has told of them all.
  if (ended > 0)
    await recordAuditEvent(tx, origin, { action: 'session.ended', target: { collection: 'users', id: userId } });
}

/** Ends the sessions of an account, all but `keep`. */
export async function endSessions(tx: ClientSession, userId: Types.ObjectId, keep?: Types.ObjectId): Promise<number> {
  const { deletedCount } = await Session.deleteMany({ userId, ...(keep && { _id: { $ne: keep } }) }, { session: tx });
  return deletedCount;
}
