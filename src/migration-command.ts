import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { loadConfig } from './config.ts';
import { provideDatabase } from './embedded/index.ts';
import type { Say } from './embedded/say.ts';
import { takeMigrationLock } from './migration-lock.ts';
import { CONNECTION_OPTIONS, MIGRATE_MONGO, prepareChangelog } from './migrations.ts';

/** How long leaving may take when the database has gone: the lease then does what releasing would have done. */
const FAREWELL_MS = 5_000;

type Cleanup = () => Promise<void>;

/**
 * What an operator's own `migrate-mongo up|down|status` stands on. Called while migrate-mongo reads its configuration,
 * which it does before it connects or looks at the changelog, and which it awaits: so what is taken here is held
 * before it learns what is pending, and given back when it leaves.
 *
 * @param command migrate-mongo's
 * @returns its configuration
 */
export async function enterMigrateMongo(command: 'up' | 'down' | 'status', say: Say) {
  const config = loadConfig();
  const cleanups: Cleanup[] = [];
  beforeExit(cleanups);
  const { uri, stop } = await provideDatabase(config, say);
  cleanups.unshift(stop);
  const configuration = { ...MIGRATE_MONGO, mongodb: { url: uri, options: CONNECTION_OPTIONS } };
  if (command === 'status') return configuration;
  const client = await MongoClient.connect(uri, CONNECTION_OPTIONS);
  cleanups.unshift(() => client.close());
  const lock = await takeMigrationLock(client.db(), say);
  cleanups.unshift(() => lock.release());
  lock.lost.catch((error: Error) => {
    say(error.message);
    process.exit(1);
  });
  await prepareChangelog(client.db());
  return configuration;
}

/**
 * migrate-mongo always ends by `process.exit`, which leaves no time for a last word to the database. So that call
 * waits for the cleanups, newest first. A killed process says nothing at all: that is what the lease is for.
 */
function beforeExit(cleanups: readonly Cleanup[]): void {
  const exit = process.exit.bind(process);
  const cleanUp = async (): Promise<void> => {
    for (const cleanup of cleanups) await cleanup().catch(() => {});
  };
  let leaving = false;
  process.exit = ((code?: number) => {
    if (!leaving) void Promise.race([cleanUp(), sleep(FAREWELL_MS)]).finally(() => exit(code));
    leaving = true;
  }) as typeof process.exit;
}
