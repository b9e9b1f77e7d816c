import { BSON, type Db, type Document } from 'mongodb';
import type { Types } from 'mongoose';
import { entriesOf, openTimeline, timelinesSince } from '../backup/journal/timeline.ts';
import type { BackupKeys } from '../backup/keys.ts';
import { listBackups, openBackup } from '../backup/read.ts';
import type { Storage } from '../backup/storage/storage.ts';
import type { Keyring } from '../lib/keyring.ts';
import { OPERATOR } from '../models/audit-event.ts';
import { ledgerEntries } from '../models/erasure.ts';
import { User } from '../models/user.ts';
import { purgeAgain } from '../models/user-purge.ts';
import { EXACT } from './exact.ts';

const COLLECTION = 'erasures';

/**
 * The ledger of erasures as it is now, whatever moment is restored: what the newest backup has of it, and the journal
 * from there on, with that of lines which began since and have no backup yet: of a database that was restored before.
 * @throws {BackupError} when it cannot be read to its end: then nobody may be brought back
 */
export async function readLedger(
  storage: Storage,
  keys: BackupKeys | undefined,
  database: string,
): Promise<Document[]> {
  const [newest] = (await listBackups(storage)).filter((each) => each.database === database);
  if (!newest) return [];
  const backup = await openBackup(storage, newest.id, keys);
  const { timeline, moment, startedAt } = backup.manifest;
  const ledger = new Map<string, Document>();
  const add = (document: Document): unknown => ledger.set(String(document['_id']), document);
  for await (const document of backup.documents(COLLECTION)) add(BSON.deserialize(document, EXACT));
  const addEntry = (entry: Uint8Array): void => {
    const { collection, image } = BSON.deserialize(entry, EXACT);
    if (collection === COLLECTION && image) add(image);
  };
  for await (const entry of backup.documents('journal')) addEntry(entry);
  const since = new Date(moment ?? startedAt);
  const lines = new Set(await timelinesSince(storage, database, since));
  if (timeline !== undefined) lines.add(timeline);
  for (const line of lines)
    for await (const entry of entriesOf(storage, await openTimeline(storage, line, since, keys), keys)) addEntry(entry);
  return [...ledger.values()];
}

/** Puts the ledger into a database that has an older one; before it has a service. */
export async function putLedger(db: Db, ledger: readonly Document[]): Promise<void> {
  if (ledger.length === 0) return;
  await db.collection(COLLECTION).bulkWrite(
    ledger.map((document) => ({
      replaceOne: { filter: { _id: document['_id'] }, replacement: document, upsert: true },
    })),
    { ordered: false },
  );
}

/**
 * Removes the accounts of the ledger from the database that the models are connected to.
 * @returns how many were there
 */
export async function eraseAgain(keyring: Keyring, ledger: readonly Document[]): Promise<number> {
  if (ledger.length === 0) return 0;
  const erased = new Set(ledger.map(({ _id }) => String(_id)));
  const entryOf = await ledgerEntries(keyring);
  const found: Types.ObjectId[] = [];
  for await (const { _id } of User.find({}, { _id: 1 }).lean().cursor({ batchSize: 1_000 }))
    if (erased.has(entryOf(_id))) found.push(_id);
  for (const id of found) await purgeAgain(OPERATOR, id);
  return found.length;
}
