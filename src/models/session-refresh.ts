import type { ClientSession } from 'mongoose';
import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import {
  hashRefreshToken,
  isAuthentic,
  mintRefreshToken,
  parseRefreshToken,
  recoverRefreshToken,
} from '../lib/refresh-token.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { noticeOf } from './notice.ts';
import { enqueueMail } from './outbox.ts';
import { Session, type SessionRecord } from './session.ts';
import type { HeldSession } from './session-end.ts';
import { expiries, type IssuedSession, type SessionLifetimes } from './sign-in.ts';
import { User } from './user.ts';

/** A client that lost the response may repeat its refresh for this long and gets the same successor. */
const REFRESH_GRACE_MS = 10_000;

interface RefreshOptions {
  readonly keyring: Keyring;
  readonly lifetimes: SessionLifetimes;
}

/**
 * Exchanges a refresh token for its successor.
 * @throws {AppError} `invalid-token` for what was never a token of a live session,
 *   `refresh-token-reused` for one that was used before: its session has been ended
 */
export async function refreshSession(
  token: string,
  origin: AuditOrigin,
  options: RefreshOptions,
): Promise<IssuedSession> {
  const proven = await proveRefreshToken(token, options.keyring);
  if (!proven) throw new AppError('invalid-token');
  const { parsed, found } = proven;
  const owner: AuditOrigin = { ...origin, actor: { type: 'user', id: found.userId } };
  if (parsed.rotation === found.rotation) {
    const rotated = await transaction((tx) => rotate(tx, found, owner, options));
    if (rotated) return rotated;
  }
  const session = await findLive(parsed.sessionId);
  if (!session) throw new AppError('invalid-token');
  const successor =
    parsed.rotation === session.rotation - 1 && withinGrace(session) && lastIssued(session, options.keyring);
  if (successor) return { session, refreshToken: successor };
  await transaction((tx) => endReused(tx, session, owner, options.keyring));
  throw new AppError('refresh-token-reused');
}

/** The live session of a token that this service made for it, whether that is its current one or an earlier one. */
async function proveRefreshToken(token: string, keyring: Keyring) {
  const parsed = parseRefreshToken(token);
  const found = parsed && (await findLive(parsed.sessionId));
  return parsed && found && isAuthentic(keyring, parsed, seedOf(found)) ? { parsed, found } : undefined;
}

/** Whose session a refresh token belongs to; asking does not use it up. */
export async function sessionOfRefreshToken(token: string, keyring: Keyring): Promise<HeldSession | undefined> {
  const proven = await proveRefreshToken(token, keyring);
  return proven && { sessionId: proven.found._id.toHexString(), userId: proven.found.userId.toHexString() };
}

async function findLive(id: string): Promise<SessionRecord | null> {
  const now = new Date();
  const live = { status: 'active', expiresAt: { $gt: now }, idleExpiresAt: { $gt: now } } as const;
  return Session.findOne({ _id: id, ...live }).lean<SessionRecord>();
}

const seedOf = ({ seed }: SessionRecord): Buffer => Buffer.from(seed, 'base64url');

/** One atomic update decides between parallel refreshes: it matches only the token that is still the current one. */
async function rotate(
  tx: ClientSession,
  session: SessionRecord,
  origin: AuditOrigin,
  { keyring, lifetimes }: RefreshOptions,
): Promise<IssuedSession | null> {
  const now = new Date();
  const rotation = session.rotation + 1;
  const refreshToken = mintRefreshToken(keyring, {
    sessionId: session._id.toHexString(),
    rotation,
    seed: seedOf(session),
  });
  const rotated = (await Session.collection.findOneAndUpdate(
    { _id: session._id, refreshTokenHash: session.refreshTokenHash },
    {
      $set: {
        refreshTokenHash: hashRefreshToken(refreshToken),
        rotation,
        rotatedAt: now,
        lastUsedAt: now,
        idleExpiresAt: expiries(session.createdAt, now, lifetimes).idleExpiresAt,
      },
      // An instance of an earlier version wrote them in clear; no model knows them any more.
      $unset: { ip: 1, userAgent: 1 },
    },
    { session: tx, returnDocument: 'after' },
  )) as SessionRecord | null;
  if (!rotated) return null;
  await recordAuditEvent(tx, origin, { action: 'session.refreshed', target: targetOf(session) });
  return { session: rotated, refreshToken };
}

const withinGrace = ({ rotatedAt }: SessionRecord): boolean => Date.now() - rotatedAt.getTime() <= REFRESH_GRACE_MS;

const lastIssued = (session: SessionRecord, keyring: Keyring): string | undefined =>
  recoverRefreshToken(
    keyring,
    { sessionId: session._id.toHexString(), rotation: session.rotation, seed: seedOf(session) },
    session.refreshTokenHash,
  );

const targetOf = ({ _id }: SessionRecord) => ({ collection: 'sessions', id: _id });

/**
 * A token that was used before is in two hands, and nobody can tell whose is the thief's: the session ends, and its
 * owner hears of it.
 */
async function endReused(
  tx: ClientSession,
  session: SessionRecord,
  origin: AuditOrigin,
  keyring: Keyring,
): Promise<void> {
  const { deletedCount } = await Session.deleteOne({ _id: session._id }, { session: tx });
  // A parallel reuse was first: it has ended the session, and told of it.
  if (deletedCount === 0) return;
  await recordAuditEvent(tx, origin, {
    action: 'session.reused',
    outcome: 'denied',
    reason: 'refresh-token-reused',
    target: targetOf(session),
  });
  const owner = await User.findById(session.userId, { email: 1 }).session(tx).lean();
  if (owner)
    await enqueueMail(tx, keyring, { template: 'session-ended', to: owner.email, data: noticeOf(origin) }, owner._id);
}
