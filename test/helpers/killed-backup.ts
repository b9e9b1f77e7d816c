import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Db } from 'mongodb';
import { beforeAll, expect, it } from 'vitest';
import { listBackups, openBackup } from '../../src/backup/read.ts';
import { backupKeysOf } from '../../src/backup/settings.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { addAccounts, backupsIn, directories, documentsOf } from './backups.ts';
import { databases, uriOf } from './databases.ts';
import { roster, startRoster } from './roster.ts';
import { until } from './until.ts';

const ACCOUNTS = 8_000;
/** From the first file on; a whole run takes about as long. */
const KILL_WITHIN_MS = 600;

/** The lease of a run that is dead lasts for up to a minute. */
const endLeases = (db: Db) =>
  db.collection('backups').updateMany({ running: true }, { $set: { leaseUntil: new Date(0) } });

async function isWhole(storage: DirectoryStorage, id: string, keys: string): Promise<boolean> {
  const backup = await openBackup(storage, id, backupKeysOf({ BACKUP_KEYS: keys }));
  for (const { name, documents } of backup.manifest.collections)
    expect(await documentsOf(backup, name), name).toHaveLength(documents);
  return true;
}

async function killRuns(db: Db, root: string, env: Record<string, string>, rounds: number): Promise<number> {
  const storage = new DirectoryStorage(root);
  const run = () => roster(['backup', 'run', '--json'], { env });
  const first = await run();
  expect(first.code, first.stderr).toBe(0);
  let midway = 0;
  for (let round = 0; round < rounds; round += 1) {
    const [good] = await listBackups(storage);
    const { process: running, done } = startRoster(['backup'], { env });
    await until('it has begun', async () => (await backupsIn(root)).length > 1);
    await pause(randomInt(KILL_WITHIN_MS));
    running.kill('SIGKILL');
    const { code } = await done;
    const [newest] = await listBackups(storage);
    if (newest?.id === good?.id) {
      midway += 1;
      expect(code).not.toBe(0);
    }
    // Whatever passes for a backup is one.
    for (const { id } of await listBackups(storage))
      expect(await isWhole(storage, id, env['BACKUP_KEYS'] ?? '')).toBe(true);
    await endLeases(db);
    const next = await run();
    expect(next.code, next.stderr).toBe(0);
    // Nothing is left of the one that was killed.
    expect((await backupsIn(root)).sort().reverse()).toEqual((await listBackups(storage)).map(({ id }) => id));
    expect(await db.collection('backups').countDocuments({ running: true })).toBe(0);
  }
  return midway;
}

/** The test of it, in so many rounds. @param midway how many of the kills have to come before the end of a run */
export function backupsSurviveKills(rounds: number, midway: number, timeoutMs: number): void {
  const freshDirectory = directories();
  const { client, fresh } = databases();
  const db = fresh();
  beforeAll(async () => {
    await migrateUp(client, db, () => {});
    await addAccounts(db, ACCOUNTS, (n) => ({ firstName: `Ada ${n}` }));
  });

  it(
    `a backup that is killed ${rounds} times leaves the last good one, and the next one clears up`,
    async () => {
      const root = await freshDirectory();
      const env = {
        MONGODB_URI: uriOf(db.databaseName),
        KEYRING: generateKeyringSpec(),
        BACKUP_KEYS: generateKeyringSpec(),
        BACKUP_URL: pathToFileURL(root).href,
      };
      expect(await killRuns(db, root, env, rounds)).toBeGreaterThanOrEqual(midway);
    },
    timeoutMs,
  );
}
