import type { Db, MongoClient } from 'mongodb';
import { buildApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import { connect, disconnect } from '../database.ts';
import { openDependencies } from '../dependencies.ts';
import { generateKeyringSpec, parseKeyring } from '../lib/keyring.ts';
import { migrateUp } from '../migrations.ts';
import { withScratchDatabase } from '../rehearsal/scratch.ts';
import { madeUpAccount } from './accounts.ts';
import { SCENE_PROVIDERS } from './exercise-identities.ts';
import { Scene } from './scene.ts';

/** Enough for more than one page in each list, and for most people of the exercises. */
const ACCOUNTS = 250;

/**
 * Gives `work` the application over a scratch database on the same server, dropped afterwards. Its accounts are a
 * sample of the real ones, so that the queries that it sends are about values that the real database knows; those of
 * sessions and counters, which the requests themselves make, it does not. The real database is only read.
 *
 * The models' connection points to the scratch database meanwhile, and is closed in the end.
 */
export async function withScratchScene<T>(
  client: MongoClient,
  uri: string,
  databaseName: string,
  work: (scene: Scene) => Promise<T>,
): Promise<T> {
  return withScratchDatabase(client, databaseName, 'explain', async (scratch) => {
    await migrateUp(client, scratch, () => {});
    await fill(scratch, client.db(databaseName));
    const config = sceneConfig();
    await disconnect();
    await connect(uri, config, scratch.databaseName);
    const keyring = parseKeyring(config.KEYRING ?? '');
    const app = await buildApp(config, await openDependencies(config, keyring));
    try {
      await app.ready();
      return await work(new Scene(app));
    } finally {
      await app.close();
      await disconnect();
    }
  });
}

/** Keys of its own, as nothing that it encrypts is kept; no limit, as one caller does all that a day brings. */
const sceneConfig = () =>
  loadConfig({
    LOG_LEVEL: 'silent',
    KEYRING: generateKeyringSpec(),
    IDENTITY_PROVIDERS: SCENE_PROVIDERS,
    RATE_LIMIT_MULTIPLIER: '1000000',
    MAX_EVENT_LOOP_DELAY_MS: '60000',
  });

async function fill(scratch: Db, real: Db): Promise<void> {
  const sample = await real
    .collection('users')
    .aggregate([{ $sample: { size: ACCOUNTS } }])
    .toArray();
  // $sample may pick a document twice.
  const accounts = [...new Map(sample.map((account) => [String(account['_id']), account])).values()];
  const missing = ACCOUNTS - accounts.length;
  const madeUp = Array.from({ length: missing }, (_, n) => madeUpAccount(n, missing));
  // A real document may be older than a rule of the validator.
  await scratch.collection('users').insertMany([...accounts, ...madeUp], { bypassDocumentValidation: true });
}
