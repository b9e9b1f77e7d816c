import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as migrateMongo from 'migrate-mongo';
import { type Db, MongoClient } from 'mongodb';
import type { Connection } from 'mongoose';
import type { Say } from './embedded/say.ts';
import { refuseUnfinishedRestore, takeMigrationLock } from './migration-lock.ts';

/** Where this build's migrations lie. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../migrations', import.meta.url));

/** `001_initial_schema.js`: three digits give the order. */
const MIGRATION_FILE = /^(\d{3})_[a-z0-9_]+\.js$/;

/** How migrate-mongo runs them, from its own command line and from here alike. */
export const MIGRATE_MONGO = Object.freeze({
  migrationsDir: MIGRATIONS_DIRECTORY,
  migrationFileExtension: '.js',
  changelogCollectionName: 'changelog',
  moduleSystem: 'esm',
  // A comment corrected in an applied migration must not make it run again.
  useFileHash: false,
});

interface ChangelogEntry {
  fileName: string;
  appliedAt: Date;
}

/** File names of the migrations that this build ships, in their order. */
export async function shippedMigrations(directory = MIGRATIONS_DIRECTORY): Promise<string[]> {
  return (await readdir(directory)).filter((file) => MIGRATION_FILE.test(file)).sort();
}

/** File names in the changelog, in their order; those of a newer build too. */
export async function appliedMigrations(db: Db): Promise<string[]> {
  const entries = db.collection<ChangelogEntry>(MIGRATE_MONGO.changelogCollectionName).find();
  return (await entries.project<Pick<ChangelogEntry, 'fileName'>>({ _id: 0, fileName: 1 }).toArray())
    .map(({ fileName }) => fileName)
    .sort();
}

/**
 * What this build ships and the database has not seen. A migration that only the database knows is none of our
 * business: during a rolling upgrade the older instances go on serving.
 * @throws {UnfinishedRestoreError}
 */
export async function pendingMigrations(connection: Connection): Promise<string[]> {
  const db = connection.getClient().db(connection.name);
  await refuseUnfinishedRestore(db);
  const shipped = await shippedMigrations();
  const applied = await db
    .collection<ChangelogEntry>(MIGRATE_MONGO.changelogCollectionName)
    .distinct('fileName', { fileName: { $in: shipped } });
  return shipped.filter((file) => !applied.includes(file));
}

/**
 * Applies what is pending.
 * @returns the file names that were applied
 * @throws when one fails: those before it stay applied, and it may be run again
 */
export const applyMigrations = (uri: string, say: Say): Promise<string[]> =>
  withMigrationClient(uri, (client) => migrateUp(client, client.db(), say));

export const CONNECTION_OPTIONS = Object.freeze({
  appName: 'roster-migrations',
  writeConcern: { w: 'majority', journal: true } as const,
});

/** A connection of its own: that of the service gives up on a command after 30 s, which building an index may exceed. */
export async function withMigrationClient<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = await MongoClient.connect(uri, CONNECTION_OPTIONS);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Applies what is pending in `db`, as the only runner. */
export const migrateUp = (client: MongoClient, db: Db, say: Say, directory = MIGRATIONS_DIRECTORY): Promise<string[]> =>
  locked(db, say, directory, () => migrateMongo.up(db, client));

/** Undoes the newest applied migration of `db`, as the only runner. @returns its file name, or nothing */
export const migrateDown = (
  client: MongoClient,
  db: Db,
  say: Say,
  directory = MIGRATIONS_DIRECTORY,
): Promise<string[]> => locked(db, say, directory, () => migrateMongo.down(db, client));

async function locked<T>(db: Db, say: Say, migrationsDir: string, work: () => Promise<T>): Promise<T> {
  const lock = await takeMigrationLock(db, say);
  try {
    return await Promise.race([withConfig(db, migrationsDir, work), lock.lost]);
  } finally {
    await lock.release();
  }
}

async function withConfig<T>(db: Db, migrationsDir: string, work: () => Promise<T>): Promise<T> {
  await prepareChangelog(db);
  migrateMongo.config.set({ ...MIGRATE_MONGO, migrationsDir });
  return work();
}

/** Applies what is pending in a database that a restore fills, and that nobody else can migrate meanwhile. */
export const migrateRestored = (client: MongoClient, db: Db): Promise<string[]> =>
  withConfig(db, MIGRATIONS_DIRECTORY, () => migrateMongo.up(db, client));

/** The last line of defence: should two runners ever meet in spite of the lock, the second cannot record its run. */
export async function prepareChangelog(db: Db): Promise<void> {
  await db
    .collection(MIGRATE_MONGO.changelogCollectionName)
    .createIndex({ fileName: 1 }, { name: 'idx_changelog_file_name', unique: true });
}
