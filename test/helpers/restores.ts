import { fileURLToPath, pathToFileURL } from 'node:url';
import { BSON, type Db } from 'mongodb';
import mongoose from 'mongoose';
import { afterAll, beforeAll } from 'vitest';
import { type Shipped, shipJournal } from '../../src/backup/journal/ship.ts';
import { parseBackupKeys } from '../../src/backup/keys.ts';
import { type BackupResult, runBackup } from '../../src/backup/run.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { collections } from '../../src/collections/index.ts';
import { connect, disconnect } from '../../src/database.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { OPERATOR } from '../../src/models/audit-event.ts';
import { type RestoreOptions, type RestoreReport, restore } from '../../src/restore/restore.ts';
import { buildTestApp, type TestApp } from './app.ts';
import { directories } from './backups.ts';
import { databases } from './databases.ts';

/** Of each journaled collection what it holds, by id, as text. */
export type State = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Not the trail: it tells of the restore, too. Not the ledger: it is of today. */
const COMPARED = collections
  .filter(({ name, notJournaled }) => notJournaled === undefined && !['audit_events', 'erasures'].includes(name))
  .map(({ name }) => name);

interface Restored {
  readonly report: RestoreReport;
  readonly db: Db;
}

export async function stateOf(db: Db): Promise<State> {
  const state: Record<string, Record<string, string>> = {};
  for (const name of COMPARED)
    state[name] = Object.fromEntries(
      (await db.collection(name).find().sort({ _id: 1 }).toArray()).map((document) => [
        String(document._id),
        BSON.EJSON.stringify(document),
      ]),
    );
  return state;
}

/**
 * For the tests of a file: the service, a place for its backups, and databases to restore into.
 * @param settings of the service, once they are known
 */
export function restores(
  settings: () => Promise<Record<string, string>> = async () => ({}),
  keySpec = generateKeyringSpec(),
) {
  const keys = parseBackupKeys(keySpec);
  const freshDirectory = directories();
  const { client, fresh } = databases();
  const { signal } = new AbortController();
  let service: TestApp;
  let url: string;
  let name: string;
  beforeAll(async () => {
    service = await buildTestApp(await settings());
    name = mongoose.connection.name;
    url = pathToFileURL(await freshDirectory()).href;
  });
  afterAll(() => service.close());
  const storage = () => new DirectoryStorage(fileURLToPath(url));
  const source = () => client.db(name);
  const connectTo = async (database: string) => {
    const { MONGODB_URI: uri = '' } = service.config;
    await disconnect();
    return connect(uri, service.config, database);
  };
  const back = async (): Promise<void> => void (await connectTo(name));
  const moved = async (more: Partial<RestoreOptions> = {}): Promise<Restored> => {
    const db = more.target ?? fresh();
    const report = await restore({
      storage: storage(),
      keys,
      keyring: service.deps.keyring,
      database: name,
      client,
      target: db,
      connectModels: () => connectTo(db.databaseName),
      say: () => {},
      ...more,
    });
    return { report, db };
  };
  return {
    client,
    fresh,
    freshDirectory,
    keys,
    keySpec,
    storage,
    source,
    get service() {
      return service;
    },
    get url() {
      return url;
    },
    backUp: (): Promise<BackupResult> =>
      runBackup({
        connection: mongoose.connection,
        url,
        keys,
        isShippedTo: true,
        trigger: 'command',
        origin: OPERATOR,
        signal,
      }),
    ship: (): Promise<Shipped> => shipJournal({ storage: storage(), database: mongoose.connection.name, keys, signal }),
    /** Restores into a database of its own, and leaves the models where they were. */
    restored: async (
      more: Partial<RestoreOptions> = {},
      look: (db: Db) => Promise<void> = async () => {},
    ): Promise<Restored> => {
      try {
        const made = await moved(more);
        await look(made.db);
        return made;
      } finally {
        await back();
      }
    },
    /** The same, and the models stay there until they go back. */
    moved,
    back,
  };
}
