import { BSON, type Db, type Document, type MongoClient, type WithId } from 'mongodb';
import type { ContentSummary } from '../backup/content-hash.ts';
import { BackupError, BackupKeyError } from '../backup/errors.ts';
import type { BackupKeys } from '../backup/keys.ts';
import type { Storage } from '../backup/storage/storage.ts';
import { collections as declared } from '../collections/index.ts';
import { transaction } from '../database.ts';
import type { Say } from '../embedded/say.ts';
import { unreadableIn } from '../key-rotation/survey.ts';
import { encryptedCollections } from '../key-rotation/walk.ts';
import type { Keyring } from '../lib/keyring.ts';
import { takeMigrationLock } from '../migration-lock.ts';
import { MIGRATE_MONGO, migrateRestored } from '../migrations.ts';
import { OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import { type Endings, endWhatWasUnderWay } from './endings.ts';
import { eraseAgain, putLedger, readLedger } from './ledger.ts';
import { loadCollection, summaryOf } from './load.ts';
import { entriesTo, findPoint, type Point, type Wanted } from './point.ts';
import { Replay } from './replay.ts';
import { shapeCollection } from './shape.ts';
import { declareWhole, refuseFull, takeEmpty } from './target.ts';

export interface RestoreOptions extends Wanted {
  readonly storage: Storage;
  readonly keys: BackupKeys | undefined;
  /** Of the fields: what is encrypted in the database is encrypted in its backup. */
  readonly keyring: Keyring;
  /** Without a limit of time on its commands: an index may take long. */
  readonly client: MongoClient;
  /** What is filled. */
  readonly target: Db;
  /** Connects the models to it. */
  readonly connectModels: () => Promise<unknown>;
  readonly say: Say;
  /** Is told how many documents are to be loaded, and how many have been. */
  readonly onStart?: (documents: number) => void;
  readonly onDocuments?: (documents: number) => void;
}

export interface RestoreReport {
  readonly backup: string;
  readonly moment: Date;
  /** Entries of the journal that were gone through. */
  readonly replayed: number;
  /** What this version has migrated afterwards. */
  readonly migrated: readonly string[];
  readonly endings: Endings;
  /** Accounts that had been erased since. */
  readonly erasedAgain: number;
  /** By collection, as it is at the end. */
  readonly collections: Readonly<Record<string, ContentSummary>>;
}

/**
 * Fills an empty database with the state of a moment. Whatever can be known to be wrong is found before anything is
 * written; whatever ends it afterwards leaves a database that no service starts on.
 * @throws {BackupError} @throws {DecryptionError}
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const { storage, keys, keyring, target, say } = options;
  const point = await findPoint(storage, keys, options);
  await refuseOtherKeyring(point, keyring);
  const ledger = await readLedger(storage, keys, options.database);
  // Before the lock, too: what is somebody's else does not get so much as a collection.
  await refuseFull(target);
  const lock = await takeMigrationLock(target, say, true);
  try {
    await takeEmpty(target);
    const report = await Promise.race([fill(options, point, ledger), lock.lost]).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new BackupError(`The restore came to no end, and ${target.databaseName} is not whole: ${why}`, { cause });
    });
    await declareWhole(target);
    return report;
  } finally {
    await lock.release();
  }
}

async function fill(options: RestoreOptions, point: Point, ledger: readonly Document[]): Promise<RestoreReport> {
  const { storage, keys, keyring, client, target, connectModels } = options;
  const { backup, moment } = point;
  const { id, collections } = backup.manifest;
  options.onStart?.(collections.reduce((sum, { documents }) => sum + documents, 0));
  const names = collections.map(({ name }) => name).filter((name) => name !== 'journal');
  const summaries: Record<string, ContentSummary> = {};
  for (const name of names)
    summaries[name] = await loadCollection(target, backup, name, options.onDocuments ?? (() => {}));
  // Of the journal there is the collection: its entries belong to the line that the other database was on.
  await target.createCollection('journal');
  const replay = new Replay(target, moment, [...names, ...journaledCollections()]);
  for await (const { entry, isPast } of entriesTo(point, storage, keys)) await replay.add(entry, isPast);
  await replay.end();
  await putLedger(target, ledger);
  for (const { name } of collections) await shapeCollection(target, backup, name);
  const migrated = await migrateRestored(client, target);
  await connectModels();
  const erasedAgain = await eraseAgain(keyring, ledger);
  // Behind it: that they are gone has been told before.
  const endings = await endWhatWasUnderWay(target);
  await transaction((tx) =>
    recordAuditEvent(tx, OPERATOR, { action: 'backup.restored', target: { collection: 'backups', name: id } }),
  );
  // Migrations, and what goes with an account, may have changed any of them.
  const changed = migrated.length + erasedAgain > 0 ? names : [...replay.touched, ...CHANGED_AFTERWARDS];
  for (const name of changed) summaries[name] = await summaryOf(target, name);
  return { backup: id, moment, replayed: replay.entries, migrated, endings, erasedAgain, collections: summaries };
}

const journaledCollections = (): string[] =>
  declared.flatMap(({ name, notJournaled }) => (notJournaled === undefined ? [name] : []));

const CHANGED_AFTERWARDS = [
  'sessions',
  'one_time_tokens',
  'outbox',
  'webhook_events',
  'webhook_deliveries',
  'erasures',
  'audit_events',
  MIGRATE_MONGO.changelogCollectionName,
];

/** Of few documents, or of one that nothing can be done without. */
const TRIED = ['signing_keys', 'erasures'];

/** @throws {BackupKeyError} when the keyring is not the one that encrypted fields were written with */
async function refuseOtherKeyring({ backup }: Point, keyring: Keyring): Promise<void> {
  for (const encrypted of encryptedCollections().filter((each) => TRIED.includes(each.name)))
    for await (const raw of backup.documents(encrypted.name)) {
      const wrong = unreadableIn(BSON.deserialize(raw) as WithId<Document>, encrypted, keyring);
      if (wrong !== undefined)
        throw new BackupKeyError(`KEYRING does not open what is encrypted in ${backup.manifest.id}: ${wrong}.`);
    }
}
