import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BSON, type Db, ObjectId } from 'mongodb';
import { afterAll } from 'vitest';
import { JOURNAL } from '../../src/backup/journal/head.ts';
import { type BackupKeys, parseBackupKeys } from '../../src/backup/keys.ts';
import { newBackupId } from '../../src/backup/manifest.ts';
import type { Backup } from '../../src/backup/read.ts';
import type { Storage } from '../../src/backup/storage/storage.ts';
import { writeBackup } from '../../src/backup/write.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';

/** Makes directories that go after the tests of the file that asks for them. */
export function directories(): () => Promise<string> {
  const made: string[] = [];
  afterAll(async () => {
    for (const directory of made) await rm(directory, { recursive: true, force: true });
  });
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), 'backups-'));
    made.push(directory);
    return directory;
  };
}

/** Names of the backups in a directory, and of what was to become one; the journal lies beside them. */
export const backupsIn = async (root: string): Promise<string[]> =>
  (await readdir(root)).filter((name) => name !== JOURNAL);

export const freshKeys = (): BackupKeys => parseBackupKeys(generateKeyringSpec());

/** Makes an account as it is stored; what else it holds is the caller's. */
export const storedAccount = (email: string, more: object = {}) => ({
  _id: new ObjectId(),
  email,
  emailVerified: true,
  status: 'active',
  roles: ['user'],
  revision: 1,
  createdAt: new Date(),
  updatedAt: new Date(),
  ...more,
});

export async function addAccounts(db: Db, count: number, more: (n: number) => object = () => ({})): Promise<void> {
  const BATCH = 5_000;
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from);
    const accounts = Array.from({ length }, (_, n) =>
      storedAccount(`${from + n}.${new ObjectId().toHexString()}@example.com`, more(from + n)),
    );
    await db.collection('users').insertMany(accounts, { ordered: false });
  }
}

interface Options {
  readonly storage: Storage;
  readonly keys?: BackupKeys | undefined;
  readonly signal?: AbortSignal;
  readonly at?: Date;
}

/** Writes a backup of a database, beside the service. */
export function backUp(db: Db, { storage, keys, signal, at = new Date() }: Options) {
  return writeBackup(
    newBackupId(at),
    { client: db.client, db },
    { storage, key: keys?.writing, signal: signal ?? new AbortController().signal },
  );
}

/** All documents of a collection in a backup. */
export async function documentsOf(backup: Backup, collection: string): Promise<BSON.Document[]> {
  const found: BSON.Document[] = [];
  for await (const document of backup.documents(collection)) found.push(BSON.deserialize(document));
  return found;
}
