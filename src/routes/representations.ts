import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../lib/cursor.ts';
import { deviceName } from '../lib/device-name.ts';
import type { Keyring } from '../lib/keyring.ts';
import { heldOf, PERMISSIONS } from '../lib/permissions.ts';
import type { ApiKeyRecord } from '../models/api-key.ts';
import { clientOf, type SessionRecord } from '../models/session.ts';
import type { UserRecord } from '../models/user.ts';
import type { Position } from '../models/user-list.ts';
import { namesOf } from '../models/user-names.ts';
import type { AuthenticatedSession } from '../types/fastify.ts';

/** The application model of a user: what is not named here is private. */
export function userView(keyring: Keyring, user: UserRecord) {
  return {
    id: user._id.toHexString(),
    email: user.email,
    ...namesOf(keyring, user),
    ...(user.avatarUrl != null && { avatarUrl: user.avatarUrl }),
    emailVerified: user.emailVerified,
    status: user.status,
    roles: user.roles,
    ...(user.metadata != null && { metadata: user.metadata as Record<string, unknown> }),
    createdAt: user.createdAt.toISOString(),
    updatedAt: user.updatedAt.toISOString(),
  };
}

export function adminUserView(keyring: Keyring, user: UserRecord) {
  return {
    ...userView(keyring, user),
    ...(user.statusReason != null && { statusReason: user.statusReason }),
    ...(user.lastSignInAt && { lastSignInAt: user.lastSignInAt.toISOString() }),
    ...(user.deletedAt && { deletedAt: user.deletedAt.toISOString() }),
    ...(user.purgeAt && { purgeAt: user.purgeAt.toISOString() }),
    ...(user.legalHold && { legalHold: true }),
  };
}

export const apiKeyView = ({ _id, userId, name, prefix, permissions, createdAt, ...times }: ApiKeyRecord) => ({
  id: _id.toHexString(),
  name,
  prefix,
  // What a later version no longer knows is worth nothing, and no news to anybody.
  permissions: heldOf(permissions, new Set(PERMISSIONS)),
  createdBy: userId.toHexString(),
  createdAt: createdAt.toISOString(),
  ...(times.expiresAt && { expiresAt: times.expiresAt.toISOString() }),
  ...(times.lastUsedAt && { lastUsedAt: times.lastUsedAt.toISOString() }),
});

export function sessionView(
  keyring: Keyring,
  session: SessionRecord,
  current: AuthenticatedSession | SessionRecord | null,
) {
  const { ip, userAgent } = clientOf(keyring, session);
  const device = deviceName(userAgent ?? '');
  return {
    id: session._id.toHexString(),
    current: current !== null && session._id.equals(current._id),
    authenticationMethods: session.authenticationMethods,
    ...(ip !== undefined && { ip }),
    ...(userAgent !== undefined && { userAgent }),
    ...(device !== undefined && { device }),
    createdAt: session.createdAt.toISOString(),
    lastUsedAt: session.lastUsedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  };
}

/** What has an ETag made of how often it was changed. */
export interface Versioned {
  readonly revision: number;
  /** Which of the fields that not all may read are shown, a digit for each; absent where none is. */
  readonly seen?: string;
}

/** Two readers of one revision may be shown different things, and one reader other things than before. */
export const etagOf = ({ revision, seen }: Versioned): string => `"${seen ? `${revision}.${seen}` : revision}"`;

/** Whether a reader has this version already (RFC 9110, section 13.1.2). */
export function isKnown({ method, headers }: FastifyRequest, etag: string): boolean {
  const known = method === 'GET' || method === 'HEAD' ? headers['if-none-match'] : undefined;
  return known?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false;
}

/** Sends a single user with its ETag, or 304 to whoever has this version already. */
export const sendUser = <T>(request: FastifyRequest, reply: FastifyReply, user: UserRecord, view: T) =>
  sendVersioned(request, reply, user, view);

/** The same for anything that counts its changes. */
export function sendVersioned<T>(request: FastifyRequest, reply: FastifyReply, record: Versioned, view: T) {
  const etag = etagOf(record);
  void reply.header('etag', etag);
  if (isKnown(request, etag)) return reply.code(304).send();
  return view;
}

/**
 * The revisions that `If-Match` allows: `undefined` for any. What a reader is shown does not matter to a change. A tag
 * that this service never made matches nothing, and so does a weak one (RFC 9110, section 13.1.1).
 */
export function preconditionOf({ headers }: FastifyRequest): number[] | undefined {
  const value = headers['if-match'];
  if (value === undefined || value.trim() === '*') return undefined;
  return value.split(',').flatMap((tag) => {
    const [, digits] = /^\s*"(\d{1,15})(?:\.[01]+)?"\s*$/.exec(tag) ?? [];
    return digits === undefined ? [] : [Number(digits)];
  });
}

/** RFC 8288: where the next page is, for clients that follow links. */
export function linkToNext(request: FastifyRequest, reply: FastifyReply, nextCursor: string | null): void {
  if (nextCursor === null) return;
  const url = new URL(request.url, 'http://service');
  url.searchParams.set('cursor', nextCursor);
  void reply.header('link', `<${url.pathname}${url.search}>; rel="next"`);
}

/** Cursors of one list with one filter and sort: one that was made for another is refused. */
export function cursorFor(list: string, query: Readonly<Record<string, unknown>> = {}) {
  // In whatever order a client writes its parameters.
  const said = Object.entries(query).filter(([, value]) => value !== undefined);
  const scope = `${list}:${JSON.stringify(said.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
  return {
    write: (position: Position): string => encodeCursor(position, scope),
    read(cursor: string | undefined): Position | undefined {
      if (cursor === undefined) return undefined;
      const position = decodeCursor(cursor, scope);
      if (!position) throw new AppError('invalid-cursor');
      return position;
    },
  };
}
