import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Db } from 'mongodb';
import { beforeAll, expect, it } from 'vitest';
import { parseBackupKeys } from '../../src/backup/keys.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { addAccounts, backUp, directories } from './backups.ts';
import { databases, uriOf } from './databases.ts';
import { stateOf } from './restores.ts';
import { roster, startRoster } from './roster.ts';
import { useServiceProcesses } from './service-process.ts';
import { until } from './until.ts';

const ACCOUNTS = 3_000;
/** From the marker on; a whole restore takes about as long. */
const KILL_WITHIN_MS = 1_500;

const isMarked = async (db: Db): Promise<boolean> =>
  (await db.collection<{ _id: string }>('changelog_lock').findOne({ _id: 'restore' })) !== null;

/** The lease of whoever is dead lasts for half a minute. */
const endLease = (db: Db) => db.collection('changelog_lock').updateMany({}, { $set: { expiresAt: new Date(0) } });

/** The test of it, in so many rounds. @param midway how many of the kills have to come before the end of a restore */
export function restoresSurviveKills(rounds: number, midway: number, timeoutMs: number): void {
  const freshDirectory = directories();
  const { client, fresh } = databases();
  const { run } = useServiceProcesses();
  const source = fresh();
  const BACKUP_KEYS = generateKeyringSpec();
  let env: Record<string, string>;
  beforeAll(async () => {
    await migrateUp(client, source, () => {});
    await addAccounts(source, ACCOUNTS, (n) => ({ firstName: `Ada ${n}` }));
    const root = await freshDirectory();
    await backUp(source, { storage: new DirectoryStorage(root), keys: parseBackupKeys(BACKUP_KEYS) });
    const BACKUP_URL = pathToFileURL(root).href;
    env = { MONGODB_URI: uriOf(source.databaseName), KEYRING: generateKeyringSpec(), BACKUP_KEYS, BACKUP_URL };
  });

  /** @returns whether it came midway */
  async function killOne(expected: unknown): Promise<boolean> {
    const target = fresh();
    const args = ['restore', '--into', target.databaseName];
    const { process: running, done } = startRoster(args, { env });
    await until('it has begun', () => isMarked(target));
    await pause(randomInt(KILL_WITHIN_MS));
    running.kill('SIGKILL');
    await done;
    const isUnfinished = await isMarked(target);
    if (isUnfinished) {
      // Nobody takes it for a whole one.
      const service = run({ ...env, NODE_ENV: 'test', MONGODB_URI: uriOf(target.databaseName) });
      expect([await service.ended, service.said()]).toEqual([1, expect.stringContaining('is not whole')]);
      await endLease(target);
      const { code, stderr } = await roster(args, { env });
      expect(code, stderr).toBe(0);
    }
    expect(await stateOf(target)).toEqual(expected);
    expect(await target.collection('changelog_lock').countDocuments({ _id: 'restore' as never })).toBe(0);
    return isUnfinished;
  }

  it(
    `a restore that is killed ${rounds} times is called whole by nobody, and the next one completes it`,
    async () => {
      const expected = await stateOf(source);
      let unfinished = 0;
      for (let round = 0; round < rounds; round += 1) unfinished += (await killOne(expected)) ? 1 : 0;
      expect(unfinished).toBeGreaterThanOrEqual(midway);
    },
    timeoutMs,
  );
}
