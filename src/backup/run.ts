import type { Connection } from 'mongoose';
import { transaction } from '../database.ts';
import type { AuditOrigin } from '../models/audit-event.ts';
import {
  BACKUP_RENEW_MS,
  type BackupTrigger,
  beginBackupRun,
  failBackupRun,
  finishBackupRun,
  forgetBackupRun,
  type OwnBackupRun,
  renewBackupRun,
} from '../models/backup.ts';
import { BackupError } from './errors.ts';
import type { BackupKeys } from './keys.ts';
import { isBackupId, MANIFEST, type Manifest, newBackupId } from './manifest.ts';
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
    const run = await beginBackupRun({
      name: newBackupId(new Date()),
      trigger,
      location: storage.location,
      ...(keys && { keyId: keys.writing.id }),
    });
    const written = await writeAsOwn(run, storage, options).catch(async (error: unknown) => {
      // Neither must hide why it failed: the next run removes what is left, and notes that this one has ended.
      await removeBackup(storage, run.name).catch(() => {});
      const failure = error instanceof Error ? error.message : String(error);
      await transaction((tx) => failBackupRun(tx, origin, run, failure)).catch(() => {});
      throw error;
    });
    return { ...written, location: storage.location, ...(await rotate(storage, written.manifest.database, origin)) };
  } finally {
    storage.close();
  }
}

/** @throws when somebody else has taken the run for dead */
async function writeAsOwn(run: OwnBackupRun, storage: Storage, { connection, keys, origin, ...options }: RunOptions) {
  const lost = new AbortController();
  const renewing = setInterval(() => {
    // Where the database does not answer, the lease may still hold: its end is compared by whoever wants to begin.
    renewBackupRun(run).then(
      (held) => !held && lost.abort(new BackupError('The lease of the run was lost.')),
      () => {},
    );
  }, BACKUP_RENEW_MS).unref();
  try {
    const client = connection.getClient();
    const db = client.db(connection.name);
    await removeUnfinished(storage, db.databaseName);
    const signal = AbortSignal.any([options.signal, lost.signal]);
    const { onDocuments } = options;
    const written = await writeBackup(
      run.name,
      { client, db },
      { storage, key: keys?.writing, signal, ...(onDocuments && { onDocuments }) },
    );
    const sums = sumsOf(written.manifest);
    const made = { ...sums, consistent: written.manifest.consistent, manifestHash: written.hash };
    if (!(await transaction((tx) => finishBackupRun(tx, origin, run, made))))
      throw new BackupError('The lease of the run was lost.');
    return { manifest: written.manifest, ...sums };
  } finally {
    clearInterval(renewing);
  }
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

/** What runs left that were killed: nobody else is at it, as there is one run at a time. */
async function removeUnfinished(storage: Storage, database: string): Promise<void> {
  for (const id of (await storage.directories()).filter(isBackupId)) {
    const files = await storage.files(id);
    // The first file of a run tells whose it is; one that was killed even before has left nothing.
    const own = files.length === 0 || files.some((path) => path.startsWith(`${id}/${directoryOf(database)}/`));
    if (own && !files.includes(`${id}/${MANIFEST}`)) await storage.removeDirectory(id);
  }
}

/** A failure here costs space, not data: it is told, and the next run tries again. */
async function rotate(storage: Storage, database: string, origin: AuditOrigin) {
  const removed: string[] = [];
  try {
    const own = (await listBackups(storage)).filter((manifest) => manifest.database === database);
    for (const id of outdated(own.map((manifest) => manifest.id))) {
      await removeBackup(storage, id);
      await transaction((tx) => forgetBackupRun(tx, origin, id));
      removed.push(id);
    }
    return { removed };
  } catch (error) {
    return { removed, notRemoved: error instanceof Error ? error.message : String(error) };
  }
}
