import mongoose, { type Types } from 'mongoose';
import { activityView } from '../audit/views.ts';
import type { Collection } from '../collections/define.ts';
import { collections } from '../collections/index.ts';
import type { Keyring } from '../lib/keyring.ts';
import { AuditEvent, type AuditEventRecord } from '../models/audit-event.ts';

/** The name and version of the format: a later version adds fields, and takes none away. */
export const ARCHIVE_FORMAT = 'roster-person/1';

/** So many documents are read at a time. */
const BATCH = 200;

/** The collections that hold something of a person, with the path of whose it is. */
export const archivedCollections = (): { readonly collection: Collection; readonly path: string }[] =>
  collections.flatMap((collection) => {
    if (collection.archived.length === 0) return [];
    const owner = collection.relations.find(({ to }) => to === 'users');
    return [{ collection, path: owner?.path ?? '_id' }];
  });

/**
 * All that is kept of a person, as the text of one JSON object: `format`, `exportedAt` (ISO 8601), and for each
 * collection its documents, oldest first, each with its `id` and the paths that the collection declares; and `activity`,
 * what the audit trail tells of the account. Secrets (hashes, keys, tokens) are not in it. In pieces, so that memory stays flat however much there is.
 */
export async function* archiveOf(keyring: Keyring, userId: Types.ObjectId, now = new Date()): AsyncGenerator<string> {
  yield `{"format":${JSON.stringify(ARCHIVE_FORMAT)},"exportedAt":${JSON.stringify(now)}`;
  for (const { collection, path } of archivedCollections())
    yield* list(collection.name, documentsOf(keyring, collection, { [path]: userId }));
  yield* list('activity', activityOf(keyring, userId));
  yield '}\n';
}

async function* list(name: string, items: AsyncIterable<object>): AsyncGenerator<string> {
  yield `,\n${JSON.stringify(name)}:[`;
  let first = true;
  for await (const item of items) {
    yield `${first ? '' : ','}\n${JSON.stringify(item)}`;
    first = false;
  }
  yield ']';
}

async function* activityOf(keyring: Keyring, userId: Types.ObjectId): AsyncGenerator<object> {
  const events = AuditEvent.find({ 'target.id': userId })
    .sort({ _id: 1 })
    .hint({ 'target.id': 1, _id: 1 })
    .lean<AuditEventRecord[]>()
    .cursor({ batchSize: BATCH });
  for await (const event of events) yield activityView(keyring, event as AuditEventRecord, userId);
}

async function* documentsOf(keyring: Keyring, collection: Collection, filter: object): AsyncGenerator<object> {
  const projection = Object.fromEntries(collection.archived.map((path) => [path, 1]));
  const found = mongoose.connection
    .collection(collection.name)
    .find(filter, { projection, sort: { _id: 1 }, batchSize: BATCH });
  for await (const { _id, ...document } of found) {
    // A ciphertext tells nobody anything.
    const readable = Object.entries(document).filter(([path]) => !(path in collection.encrypted));
    yield { id: _id, ...Object.fromEntries(readable), ...collection.opened?.(keyring, { _id, ...document }) };
  }
}
