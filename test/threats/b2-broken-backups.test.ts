// B2: the backup that was none. Elsewhere a run stopped when the disk was full, the network was gone or the machine
// restarted, exited as if nothing had happened, and what it left passed for a backup or had replaced the last good one:
// that was found out on the day it was needed. Here whatever breaks a run is reported, by exit status, record and audit
// trail, and the last good backup is what it was.

import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listBackups, openBackup } from '../../src/backup/read.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import type { Storage } from '../../src/backup/storage/storage.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { addAccounts, backUp, backupsIn, directories, documentsOf } from '../helpers/backups.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster, startRoster } from '../helpers/roster.ts';
import { until } from '../helpers/until.ts';

const { client, fresh } = databases();
const freshDirectory = directories();

const db = fresh();
const ACCOUNTS = 2_000;
let root: string;
let env: Record<string, string>;

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await addAccounts(db, ACCOUNTS, (n) => ({ firstName: `Ada ${n}` }));
});
beforeEach(async () => {
  root = await freshDirectory();
  env = {
    MONGODB_URI: uriOf(db.databaseName),
    KEYRING: generateKeyringSpec(),
    BACKUP_URL: pathToFileURL(root).href,
  };
});

/** Breaks off where a file of that name is written, in the middle of it. */
function breakingAt(storage: Storage, name: string): Storage {
  return new Proxy(storage, {
    get(target, property, receiver) {
      if (property !== 'write') {
        const value = Reflect.get(target, property, receiver);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (path: string, content: AsyncIterable<Uint8Array>) => {
        if (!path.endsWith(name)) return target.write(path, content);
        async function* half() {
          for await (const piece of content) {
            yield piece.subarray(0, piece.length / 2);
            throw new Error('no space left on the device');
          }
        }
        return target.write(path, half());
      };
    },
  });
}

describe('a run that breaks off', () => {
  it.each(['users.bson.gz', 'users.metadata.json.gz', 'changelog.bson.gz', 'manifest.json'])(
    'at %s is no backup, and the last good one is what it was',
    async (name) => {
      const storage = new DirectoryStorage(root);
      const good = await backUp(db, { storage });
      await expect(backUp(db, { storage: breakingAt(storage, name) })).rejects.toThrow('no space left');
      expect((await listBackups(storage)).map(({ id }) => id)).toEqual([good.manifest.id]);
      expect(await documentsOf(await openBackup(storage, good.manifest.id), 'users')).toHaveLength(ACCOUNTS);
    },
  );

  it('by a signal exits with an error, says which, and leaves nothing behind', async () => {
    const before = await db.collection('backups').countDocuments({ outcome: 'failure' });
    await addAccounts(db, 10_000);
    const { process: running, done } = startRoster(['backup'], { env });
    await until('it has begun', async () => (await backupsIn(root)).length > 0);
    running.kill('SIGTERM');
    const { code, stderr } = await done;
    expect([code, stderr]).toEqual([1, expect.stringContaining('No backup was made.')]);
    expect(await backupsIn(root)).toEqual([]);
    expect(await db.collection('backups').countDocuments({ outcome: 'failure' })).toBe(before + 1);
    expect(await db.collection('backups').countDocuments({ running: true })).toBe(0);
  });
});

describe('a storage that fails', () => {
  it('is an exit status other than 0, and a record', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    const { code, stderr } = await roster(['backup'], { env: { ...env, BACKUP_URL: pathToFileURL(file).href } });
    expect([code, stderr]).toEqual([1, expect.stringContaining('No backup was made.')]);
    const newest = await db.collection('backups').find().sort({ _id: -1 }).next();
    expect(newest).toMatchObject({ outcome: 'failure', failure: expect.stringMatching(/ENOTDIR|EEXIST/) });
    const event = await db.collection('audit_events').find({ action: 'backup.created' }).sort({ _id: -1 }).next();
    expect(event).toMatchObject({ outcome: 'failure', reason: 'backup-failed', actor: { type: 'operator' } });
  });
});

describe('a stored backup', () => {
  const damage: Record<string, (directory: string) => Promise<void>> = {
    'with a file cut off': async (directory) => {
      const path = join(directory, db.databaseName, 'users.bson.gz');
      await chmod(path, 0o600);
      await writeFile(path, (await readFile(path)).subarray(0, -1));
    },
    'without a file': (directory) => rm(join(directory, db.databaseName, 'users.bson.gz')),
    'with a bit changed': async (directory) => {
      const path = join(directory, db.databaseName, 'users.bson.gz');
      const bytes = await readFile(path);
      const middle = bytes.length >> 1;
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      await writeFile(path, bytes);
    },
    'with an older file in the place of one': async (directory) => {
      const other = await backUp(db, { storage: new DirectoryStorage(root) });
      await db.collection('users').updateOne({}, { $set: { lastName: `L${Math.random()}` } });
      const from = join(root, other.manifest.id, db.databaseName, 'sessions.bson.gz');
      await writeFile(join(directory, db.databaseName, 'users.bson.gz'), await readFile(from));
    },
  };
  it.each(Object.entries(damage))('%s does not pass for a whole one', async (_name, harm) => {
    const storage = new DirectoryStorage(root);
    const { manifest } = await backUp(db, { storage });
    await harm(join(root, manifest.id));
    const backup = await openBackup(storage, manifest.id);
    const read = async () => {
      for await (const document of backup.documents('users')) expect(document.length).toBeGreaterThan(4);
    };
    await expect(read()).rejects.toThrow(/users/);
    await expect(backup.verify()).rejects.toThrow(/users/);
    const target = await freshDirectory();
    await expect(backup.decryptInto(target)).rejects.toThrow(/users/);
    expect(await readdir(target)).toEqual([]);
  });

  it('a decryption that is broken off leaves nothing in clear', async () => {
    const storage = new DirectoryStorage(root);
    const { manifest } = await backUp(db, { storage });
    const target = await freshDirectory();
    const backup = await openBackup(storage, manifest.id);
    await expect(backup.decryptInto(target, AbortSignal.abort(new Error('Ctrl-C')))).rejects.toThrow('Ctrl-C');
    expect(await readdir(target)).toEqual([]);
  });
});
