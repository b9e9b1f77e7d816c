import { type ClientSession, Types } from 'mongoose';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { toId } from './ids.ts';
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

/** A session and its owner, as its tokens name them. */
export interface HeldSession {
  readonly sessionId: string;
  readonly userId: string;
}

/**
 * Ends the sessions that a browser held before it signed in anew: what somebody else left there, or planted, is not
 * carried on. Each ends in the name of its owner, whose token proved it.
 */
export async function endReplacedSessions(
  tx: ClientSession,
  origin: AuditOrigin,
  held: readonly HeldSession[],
): Promise<void> {
  for (const { sessionId, userId } of held) {
    const owner = toId(userId);
    // The second token of one and the same session finds nothing left.
    await endSession(tx, { ...origin, actor: { type: 'user', id: owner } }, owner, sessionId);
  }
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
