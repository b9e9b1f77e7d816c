import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Db, MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { listBackups, openBackup } from '../../src/backup/read.ts';
import { backupKeysOf } from '../../src/backup/settings.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { applyMigrations } from '../../src/migrations.ts';
import { backupsIn, directories } from './backups.ts';
import { useDataDirectory } from './data-directory.ts';
import { roster, startRoster } from './roster.ts';
import { until } from './until.ts';

const SHIPPER = fileURLToPath(new URL('../backup/shipper.ts', import.meta.url));
const ACCOUNTS = 200;
/** From the first sign of a command on, which takes about as long from there. */
const KILL_WITHIN_MS = { shipping: 1_200, backup: 300, restore: 700, drill: 1_500 } as const;

type DataDirectory = ReturnType<typeof useDataDirectory>;

/** A database that is killed and comes back, and the commands that work on it. */
class Trial {
  readonly #data: DataDirectory;
  readonly #directory: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly root: string;
  /** How many there are, once they have all come in. */
  accounts = 0;
  #uri = '';
  #lost: Promise<unknown> = Promise.resolve();
  #client: MongoClient | undefined;

  constructor(data: DataDirectory, root: string, directory: string) {
    this.#data = data;
    this.#directory = directory;
    this.root = root;
    const keys = { KEYRING: generateKeyringSpec(), BACKUP_KEYS: generateKeyringSpec() };
    this.#settings = { NODE_ENV: 'test', ...keys, BACKUP_URL: pathToFileURL(root).href };
  }

  async open(): Promise<void> {
    const database = await this.#data.open();
    this.#lost = database.lost;
    // A client that finds nobody gives up soon, so that a round takes no minute.
    this.#uri = `${database.uri}${database.uri.includes('?') ? '&' : '?'}serverSelectionTimeoutMS=300`;
    await this.#client?.close();
    this.#client = await MongoClient.connect(this.#uri);
  }

  close = async () => this.#client?.close();

  db(name?: string): Db {
    if (!this.#client) throw new Error('not open yet');
    return this.#client.db(name);
  }

  migrate = () => applyMigrations(this.#uri, () => {});

  #env = () => ({ ...this.#settings, MONGODB_URI: this.#uri, MONGODB_SERVER_SELECTION_TIMEOUT_MS: '300' });

  async run(...args: string[]): Promise<void> {
    const { code, stderr } = await roster(args, { env: this.#env() });
    expect(code, stderr).toBe(0);
  }

  /** A file with more accounts. */
  async #people(): Promise<string> {
    const people = Array.from({ length: ACCOUNTS }, (_, n) => `{"email": "p${this.accounts + n}@example.com"}`);
    const file = `${this.#directory}/people.ndjson`;
    await writeFile(file, `${people.join('\n')}\n`);
    this.accounts += ACCOUNTS;
    return file;
  }

  async #dies(withinMs: number): Promise<void> {
    await pause(randomInt(withinMs));
    process.kill(this.#data.record().pid ?? 0, 'SIGKILL');
    await this.#lost;
  }

  /** The server dies while accounts come in whose images are shipped, and comes back with what it had. */
  async killDuringShipping(): Promise<void> {
    const file = await this.#people();
    const env = { ...process.env, ...this.#env() };
    const shipper = spawn(process.execPath, ['--import', 'tsx', SHIPPER], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(shipper, 'close');
    await once(shipper.stdout, 'data');
    shipper.stdout.resume();
    const { done } = startRoster(['import', 'users', file], { env: this.#env() });
    await this.#dies(KILL_WITHIN_MS.shipping);
    await Promise.all([done, ended]);
    await this.open();
    // What had not come in comes in now.
    await this.run('import', 'users', file);
  }

  /** The server dies while a command is at it, and comes back with what it had. @returns how the command ended */
  async killDuring(
    what: keyof typeof KILL_WITHIN_MS,
    args: string[],
    hasBegun: () => Promise<boolean>,
  ): Promise<number | null> {
    const { done } = startRoster(args, { env: this.#env() });
    await until('it has begun', hasBegun);
    await this.#dies(KILL_WITHIN_MS[what]);
    const { code } = await done;
    await this.open();
    // Leases last for up to a minute.
    await this.db()
      .collection('backups')
      .updateMany({ running: true }, { $set: { leaseUntil: new Date(0) } });
    return code;
  }

  readBackups = async () => {
    const storage = new DirectoryStorage(this.root);
    const keys = backupKeysOf({ BACKUP_KEYS: this.#settings['BACKUP_KEYS'] ?? '' });
    for (const { id } of await listBackups(storage)) await (await openBackup(storage, id, keys)).verify();
  };

  /** Databases of drills. */
  async scratches(): Promise<string[]> {
    const { databases } = await this.db().admin().listDatabases({ nameOnly: true });
    return databases.map(({ name }) => name).filter((name) => name.includes('_drill_'));
  }
}

async function killsBackup(trial: Trial): Promise<void> {
  const before = (await backupsIn(trial.root)).length;
  await trial.killDuring('backup', ['backup'], async () => (await backupsIn(trial.root)).length > before);
  await trial.readBackups();
  await trial.run('backup');
}

/** All that was ever acknowledged comes back, in spite of that. */
async function killsRestore(trial: Trial, target: string): Promise<void> {
  const marked = async () => {
    const lock = trial.db(target).collection<{ _id: string }>('changelog_lock');
    return (await lock.findOne({ _id: 'restore' })) !== null;
  };
  const code = await trial.killDuring('restore', ['restore', '--into', target], marked);
  expect(await marked()).toBe(code !== 0);
  if (code !== 0) {
    // The lease of the one that died lasts for half a minute.
    const lock = trial.db(target).collection('changelog_lock');
    await lock.updateMany({}, { $set: { expiresAt: new Date(0) } });
    await trial.run('restore', '--into', target);
  }
  expect([await marked(), await trial.db(target).collection('users').countDocuments()]).toEqual([
    false,
    trial.accounts,
  ]);
  await trial.db(target).dropDatabase();
}

async function killsDrill(trial: Trial): Promise<void> {
  const good = () => trial.db().collection('backups').countDocuments({ kind: 'drill', outcome: 'success' });
  const [before, counted] = [await trial.scratches(), await good()];
  const hasBegun = async () => (await trial.scratches()).some((name) => !before.includes(name));
  const code = await trial.killDuring('drill', ['backup', 'verify'], hasBegun);
  expect(await good()).toBe(code === 0 ? counted + 1 : counted);
}

/** The test of it, in so many rounds. */
export function databaseSurvivesKills(rounds: number, timeoutMs: number): void {
  const data = useDataDirectory();
  const freshDirectory = directories();

  it(
    `a database that is killed ${rounds} times in each of shipping, backup, restore and drill loses nothing, and no half is a whole`,
    async () => {
      const trial = new Trial(data, await freshDirectory(), await freshDirectory());
      await trial.open();
      await trial.migrate();
      for (let round = 0; round < rounds; round += 1) {
        await trial.killDuringShipping();
        await killsBackup(trial);
        await killsRestore(trial, `restored_${round}`);
        await killsDrill(trial);
      }
      await trial.run('backup', 'verify');
      expect(await trial.scratches()).toEqual([]);
      await trial.close();
    },
    timeoutMs,
  );
}
