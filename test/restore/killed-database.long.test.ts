import { randomInt } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { listBackups, openBackup } from '../../src/backup/read.ts';
import { backupKeysOf } from '../../src/backup/settings.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { applyMigrations } from '../../src/migrations.ts';
import { backupsIn, directories } from '../helpers/backups.ts';
import { useDataDirectory } from '../helpers/data-directory.ts';
import { roster, startRoster } from '../helpers/roster.ts';
import { until } from '../helpers/until.ts';

const ROUNDS = Number(process.env['ROSTER_KILLS'] ?? 20);
const ACCOUNTS = 300;
/** From the first sign of the command on; each takes about as long. */
const KILL_WITHIN_MS = 700;

const data = useDataDirectory();
const freshDirectory = directories();

/** The database, which is killed and comes back, and the commands that work on it. */
async function open() {
  let database = await data.open();
  const root = await freshDirectory();
  const files = await freshDirectory();
  const BACKUP_KEYS = generateKeyringSpec();
  const more = { KEYRING: generateKeyringSpec(), BACKUP_KEYS, BACKUP_URL: pathToFileURL(root).href };
  const env = () => ({ NODE_ENV: 'test', MONGODB_URI: database.uri, ...more });
  const withDatabase = async <T>(work: (client: MongoClient) => Promise<T>): Promise<T> => {
    const client = await MongoClient.connect(database.uri);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  };
  await applyMigrations(database.uri, () => {});
  let imported = 0;
  return {
    root,
    storage: new DirectoryStorage(root),
    keys: backupKeysOf({ BACKUP_KEYS }),
    withDatabase,
    run: (...args: string[]) => roster(args, { env: env() }),
    /** Accounts whose images are in the journal. */
    add: async (): Promise<number> => {
      const people = Array.from({ length: ACCOUNTS }, (_, n) => `{"email": "p${imported + n}@example.com"}`);
      await writeFile(`${files}/people.ndjson`, `${people.join('\n')}\n`);
      const { code, stderr } = await roster(['import', 'users', `${files}/people.ndjson`], { env: env() });
      expect(code, stderr).toBe(0);
      imported += ACCOUNTS;
      return imported;
    },
    /** The server dies while a command is at it, which has to say so; and comes back with what it had. */
    killDuring: async (args: string[], begun: () => Promise<unknown>): Promise<number | null> => {
      const { done } = startRoster(args, { env: { ...env(), MONGODB_SERVER_SELECTION_TIMEOUT_MS: '1000' } });
      await until('it has begun', begun);
      await pause(randomInt(KILL_WITHIN_MS));
      process.kill(data.record().pid ?? 0, 'SIGKILL');
      const { code } = await done;
      await database.lost;
      database = await data.open();
      await withDatabase(async (client) => {
        // Leases last for up to a minute.
        const over = { $set: { leaseUntil: new Date(0) } };
        await client.db().collection('backups').updateMany({ running: true }, over);
      });
      return code;
    },
  };
}

test(
  `a database that is killed ${ROUNDS} times during shipping and backup loses nothing, and no half of a backup is one`,
  async () => {
    const trial = await open();
    await trial.add();
    expect((await trial.run('backup')).code).toBe(0);
    for (let round = 0; round < ROUNDS; round += 1) {
      const accounts = await trial.add();
      const before = (await backupsIn(trial.root)).length;
      await trial.killDuring(['backup'], async () => (await backupsIn(trial.root)).length > before);
      for (const { id } of await listBackups(trial.storage))
        await (await openBackup(trial.storage, id, trial.keys)).verify();
      const next = await trial.run('backup');
      expect(next.code, next.stderr).toBe(0);
      const target = `restored_${round}`;
      const restored = await trial.run('restore', '--into', target);
      expect(restored.code, restored.stderr).toBe(0);
      const count = await trial.withDatabase((client) => client.db(target).collection('users').countDocuments());
      expect(count).toBe(accounts);
      await trial.withDatabase((client) => client.db(target).dropDatabase());
    }
  },
  ROUNDS * 90_000,
);

test(
  `a database that is killed ${ROUNDS} times while it is filled is whole only when all of it is there`,
  async () => {
    const trial = await open();
    const accounts = await trial.add();
    expect((await trial.run('backup')).code).toBe(0);
    for (let round = 0; round < ROUNDS; round += 1) {
      const target = `restored_${round}`;
      const marked = () =>
        trial.withDatabase((client) =>
          client.db(target).collection<{ _id: string }>('changelog_lock').findOne({ _id: 'restore' }),
        );
      const code = await trial.killDuring(['restore', '--into', target], marked);
      expect((await marked()) === null).toBe(code === 0);
      if (code === 0) continue;
      // The lease of the one that died lasts for half a minute.
      await trial.withDatabase((client) =>
        client
          .db(target)
          .collection('changelog_lock')
          .updateMany({}, { $set: { expiresAt: new Date(0) } }),
      );
      const again = await trial.run('restore', '--into', target);
      expect(again.code, again.stderr).toBe(0);
      const count = await trial.withDatabase((client) => client.db(target).collection('users').countDocuments());
      expect(count).toBe(accounts);
      expect(await marked()).toBeNull();
      await trial.withDatabase((client) => client.db(target).dropDatabase());
    }
  },
  ROUNDS * 90_000,
);

test(
  `a database that is killed ${ROUNDS} times during a drill leaves none that counts`,
  async () => {
    const trial = await open();
    await trial.add();
    expect((await trial.run('backup')).code).toBe(0);
    const scratches = () =>
      trial.withDatabase(async (client) =>
        (await client.db().admin().listDatabases({ nameOnly: true })).databases.filter(({ name }) =>
          name.includes('_drill_'),
        ),
      );
    const good = () =>
      trial.withDatabase((client) =>
        client.db().collection('backups').countDocuments({ kind: 'drill', outcome: 'success' }),
      );
    for (let round = 0; round < ROUNDS; round += 1) {
      const [before, counted] = [await scratches(), await good()];
      const begun = async () => (await scratches()).some(({ name }) => !before.some((each) => each.name === name));
      const code = await trial.killDuring(['backup', 'verify'], begun);
      expect(code).not.toBe(0);
      expect(await good()).toBe(counted);
    }
    const last = await trial.run('backup', 'verify');
    expect(last.code, last.stderr).toBe(0);
    expect(await scratches()).toEqual([]);
    expect(await readdir(trial.root)).toContain('journal');
  },
  // What a client waits for a server that does not answer, several times over.
  ROUNDS * 240_000,
);
