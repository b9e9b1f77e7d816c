import type { Connection } from 'mongoose';
import { transaction } from '../database.ts';
import type { AuditOrigin } from '../models/audit-event.ts';
import {
  type BackupTrigger,
  beginBackupRun,
  failBackupRun,
  finishBackupRun,
  forgetBackupRun,
  isGoodBackup,
  type OwnBackupRun,
} from '../models/backup.ts';
import { JOURNAL_MS } from '../models/journal.ts';
import { timelineAt } from '../models/journal-shipping.ts';
import { UnrecordedBackupError } from './errors.ts';
import { shipJournal } from './journal/ship.ts';
import { removeOldSegments } from './journal/timeline.ts';
import type { BackupKeys } from './keys.ts';
import { isBackupId, MANIFEST, type Manifest, newBackupId, timeOfBackup } from './manifest.ts';
import { leaseLost, whileOwn } from './own-run.ts';
import { listBackups } from './read.ts';
import { outdated } from './rotation.ts';
import { openStorage } from './storage/open.ts';
import type { Storage } from './storage/storage.ts';
import { type BackupOptions, directoryOf, type WrittenBackup, writeBackup } from './write.ts';

export interface RunOptions extends Pick<BackupOptions, 'signal' | 'onDocuments'> {
  readonly connection: Connection;
  /** Where to, as in BACKUP_URL. */
  readonly url: string;
  readonly keys: BackupKeys | undefined;
  /** Whether the service ships its journal there: then a backup begins with it, so that later moments go on from there. */
  readonly isShippedTo: boolean;
  readonly trigger: BackupTrigger;
  readonly origin: AuditOrigin;
}

export interface BackupResult {
  readonly manifest: Manifest;
  readonly location: string;
  readonly documents: number;
  /** In the storage. */
  readonly bytes: number;
  /** Ids of older backups that were removed. */
  readonly removed: readonly string[];
  /** Why older backups could not be removed; the new one is good all the same. */
  readonly notRemoved?: string;
}

/**
 * Makes a backup, as the only one who does, records it and removes those that have had their time. One that fails
 * leaves all others as they are.
 * @throws BackupRunningError when another run is under way
 */
export async function runBackup(options: RunOptions): Promise<BackupResult> {
  const { url, keys, trigger, origin } = options;
  const storage = await openStorage(url);
  try {
    const run = await beginBackupRun(origin, {
      kind: 'backup',
      name: newBackupId(new Date()),
      trigger,
      location: storage.location,
      ...(keys && { keyId: keys.writing.id }),
    });
    const written = await writeAsOwn(run, storage, options).catch(async (error: unknown) => {
      // Neither must hide why it failed: the next run removes what is left, and notes that this one has ended.
      if (!(error instanceof UnrecordedBackupError)) await removeBackup(storage, run.name).catch(() => {});
      const failure = error instanceof Error ? error.message : String(error);
      await transaction((tx) => failBackupRun(tx, origin, run, failure)).catch(() => {});
      throw error;
    });
    return { ...written, location: storage.location, ...(await rotate(storage, written.manifest, origin)) };
  } finally {
    storage.close();
  }
}

/** @throws when somebody else has taken the run for dead */
function writeAsOwn(run: OwnBackupRun, storage: Storage, { connection, keys, origin, ...options }: RunOptions) {
  return whileOwn(run, options.signal, async (signal) => {
    const client = connection.getClient();
    const db = client.db(connection.name);
    const notRemoved = await messageOf(removeUnfinished(storage, db.databaseName, origin));
    const { onDocuments } = options;
    if (options.isShippedTo) await shipJournal({ storage, database: db.databaseName, keys, signal });
    // Before anything is read: whatever is written from now on is in its segments.
    const timeline = (await timelineAt(storage.location))?.timeline;
    const written = await writeBackup(
      run.name,
      { client, db },
      { storage, key: keys?.writing, timeline, signal, ...(onDocuments && { onDocuments }) },
    );
    const sums = sumsOf(written.manifest);
    const made = { ...sums, consistent: written.manifest.consistent, manifestHash: written.hash };
    const own = await transaction((tx) => finishBackupRun(tx, origin, run, made)).catch((cause: unknown) => {
      throw new UnrecordedBackupError(`Backup ${run.name} is whole, but could not be recorded.`, { cause });
    });
    if (!own) throw leaseLost();
    return { manifest: written.manifest, ...sums, ...notRemoved };
  });
}

const sumsOf = ({ collections, files }: WrittenBackup['manifest']) => ({
  documents: collections.reduce((sum, each) => sum + each.documents, 0),
  bytes: files.reduce((sum, each) => sum + each.bytes, 0),
});

/** First what makes it a backup: half of one must not pass for a whole one. */
async function removeBackup(storage: Storage, id: string): Promise<void> {
  await storage.remove(`${id}/${MANIFEST}`);
  await storage.removeDirectory(id);
}

/** What runs and removals left that were killed: nobody else is at it, as there is one run at a time. */
async function removeUnfinished(storage: Storage, database: string, origin: AuditOrigin): Promise<void> {
  for (const id of (await storage.directories()).filter(isBackupId)) {
    const files = await storage.files(id);
    // The first file of a run tells whose it is; one that was killed even before has left nothing.
    const own = files.length === 0 || files.some((path) => path.startsWith(`${id}/${directoryOf(database)}/`));
    if (!own || files.includes(`${id}/${MANIFEST}`)) continue;
    // A good one without its manifest is one whose removal was broken off: rotation does not find it again.
    if (await isGoodBackup(id)) await transaction((tx) => forgetBackupRun(tx, origin, id));
    await storage.removeDirectory(id);
  }
}

/** What does not get removed costs space, not data: it is told, and the next run tries again. */
const messageOf = (removing: Promise<void>): Promise<Pick<BackupResult, 'notRemoved'>> =>
  removing.then(
    () => ({}),
    (error: unknown) => ({ notRemoved: error instanceof Error ? error.message : String(error) }),
  );

async function rotate(storage: Storage, { id: made, database }: Manifest, origin: AuditOrigin) {
  const removed: string[] = [];
  const removing = async (): Promise<void> => {
    const own = (await listBackups(storage)).filter((manifest) => manifest.database === database);
    // By a clock that is behind, what was made just now may look like an older one.
    for (const id of outdated(own.map((manifest) => manifest.id)).filter((each) => each !== made)) {
      // In this order whatever is broken off is found by the next run.
      await storage.remove(`${id}/${MANIFEST}`);
      await transaction((tx) => forgetBackupRun(tx, origin, id));
      await storage.removeDirectory(id);
      removed.push(id);
    }
    const needed = oldestMomentOf(own.map(({ id }) => id).filter((id) => !removed.includes(id)));
    if (needed) await removeOldSegments(storage, needed);
  };
  return { ...(await messageOf(removing())), removed };
}

/** The journal is kept from the backup on that moments of a week ago begin with; undefined where there is none so old. */
function oldestMomentOf(ids: readonly string[], now = Date.now()): Date | undefined {
  const old = ids.map(timeOfBackup).filter((at) => at.getTime() <= now - JOURNAL_MS);
  return old.length === 0 ? undefined : new Date(Math.max(...old.map(Number)));
}
