import { BSON, type Document } from 'mongodb';
import type { ClientSession, Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { ApiKey } from './api-key.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { Credential } from './credential.ts';
import { keepAnAdmin } from './guard.ts';
import { Identity } from './identity.ts';
import { OneTimeToken } from './one-time-token.ts';
import { endAllSessions } from './session-end.ts';
import { User, type UserRecord } from './user.ts';
import { keepNames, type NameKeeping, namesOf, withNames } from './user-names.ts';

/** Whatever signs an account in. What belongs to teams and to other collections is not its own to take back. */
const BELONGINGS = [Credential, Identity, ApiKey] as const;

export const BELONGING_NAMES: readonly string[] = BELONGINGS.map(({ collection }) => collection.collectionName);

/** Stays as it is now: counts that tell changes apart, and what others have decided. */
const STAYS: ReadonlySet<string> = new Set([
  ...['_id', 'revision', 'journalRevision', 'waysInRevision', 'childrenRevision'],
  ...['createdAt', 'updatedAt', 'lastSignInAt', 'dormancyWarnedAt', 'legalHold', 'settling'],
]);

/** An account as it is stored, but with its names in clear, and by collection what signs it in. */
export interface AccountState {
  readonly user: Document;
  readonly belongings: Readonly<Record<string, readonly Document[]>>;
}

export interface Rewinding {
  /** Path of the account → what it is, and what it was; absent where it was not there. */
  readonly changes: Readonly<Record<string, { readonly is: unknown; readonly was: unknown }>>;
  /** By collection: what was there and is not, or is another one now. */
  readonly put: Readonly<Record<string, readonly Document[]>>;
  /** By collection: what was not there. */
  readonly removed: Readonly<Record<string, readonly Document[]>>;
}

/** @throws {AppError} `not-found`: who is purged is not brought back */
export async function stateOfUser(keyring: Keyring, id: Types.ObjectId, tx?: ClientSession): Promise<AccountState> {
  const session = tx && { session: tx };
  const user = await User.collection.findOne({ _id: id }, session);
  if (!user) throw new AppError('not-found');
  const belongings: Record<string, Document[]> = {};
  for (const { collection } of BELONGINGS)
    belongings[collection.collectionName] = await collection.find({ userId: id }, session).toArray();
  // One that does not open any more is none, so that it can come back.
  return { user: withNames(user, namesOf(keyring, user as UserRecord)), belongings };
}

const textOf = (value: unknown): string => BSON.EJSON.stringify({ value }, { relaxed: true });

/** The count that the journal keeps is no part of what a document says. */
const contentOf = ({ journalRevision: _, ...content }: Document): string => textOf(content);

/** What makes the one state of the other. */
export function rewindingOf(now: AccountState, then: AccountState): Rewinding {
  const paths = new Set([...Object.keys(now.user), ...Object.keys(then.user)].filter((path) => !STAYS.has(path)));
  const differing = [...paths].filter((path) => textOf(now.user[path]) !== textOf(then.user[path])).sort();
  const put: Record<string, Document[]> = {};
  const removed: Record<string, Document[]> = {};
  for (const name of BELONGING_NAMES) {
    const [current, former] = [now, then].map(
      ({ belongings }) => new Map((belongings[name] ?? []).map((document) => [String(document['_id']), document])),
    ) as [Map<string, Document>, Map<string, Document>];
    put[name] = [...former].flatMap(([id, document]) => {
      const known = current.get(id);
      return known && contentOf(known) === contentOf(document) ? [] : [document];
    });
    removed[name] = [...current].flatMap(([id, document]) => (former.has(id) ? [] : [document]));
  }
  const changes = differing.map((path) => [path, { is: now.user[path], was: then.user[path] }]);
  return { changes: Object.fromEntries(changes), put, removed };
}

/**
 * Makes an account what it was: itself, and whatever signs it in. Its sessions and one-time tokens end.
 * @throws {AppError} `not-found`; `invalid-state` where it is or was deleted; `email-taken`, `value-taken` where somebody
 * else has by now what it had; `last-admin`
 */
export async function rewindUser(
  tx: ClientSession,
  origin: AuditOrigin,
  names: NameKeeping,
  id: Types.ObjectId,
  then: AccountState,
): Promise<Rewinding> {
  const now = await stateOfUser(names.keyring, id, tx);
  if ([now, then].some(({ user }) => user['status'] === 'deleted'))
    throw new AppError('invalid-state', { detail: 'Restore the account itself first, or choose another moment.' });
  const rewinding = rewindingOf(now, then);
  const { changes } = rewinding;
  const gone = Object.keys(changes).filter((path) => changes[path]?.was === undefined);
  const back = Object.keys(changes).filter((path) => !gone.includes(path));
  const { set, unset } = keepNames(names, id, {
    set: Object.fromEntries(back.map((path) => [path, then.user[path]])),
    unset: gone,
  });
  try {
    await User.collection.updateOne(
      { _id: id },
      {
        $set: { ...set, updatedAt: new Date() },
        $unset: unset,
        $inc: { revision: 1, waysInRevision: 1 },
      },
      { session: tx },
    );
    await putBelongings(tx, rewinding);
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    if ('email' in changes) throw new AppError('email-taken', { cause: error });
    throw new AppError('value-taken', { cause: error });
  }
  if (now.user['roles']?.includes('admin')) await keepAnAdmin(tx);
  await endAllSessions(tx, origin, id);
  await OneTimeToken.deleteMany({ userId: id }, { session: tx });
  const target = { collection: 'users', id };
  await recordAuditEvent(tx, origin, { action: 'user.rewound', target, changes: Object.keys(changes) });
  return rewinding;
}

/** What goes goes first: of what is unique the former may take its place. */
async function putBelongings(tx: ClientSession, { put, removed }: Rewinding): Promise<void> {
  for (const { collection } of BELONGINGS) {
    const name = collection.collectionName;
    const ids = [...(removed[name] ?? []), ...(put[name] ?? [])].map(({ _id }) => _id as Types.ObjectId);
    if (ids.length > 0) await collection.deleteMany({ _id: { $in: ids } }, { session: tx });
    const documents = put[name] ?? [];
    if (documents.length > 0) await collection.insertMany(documents as never, { session: tx });
  }
}
