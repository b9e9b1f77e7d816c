import { beforeAll, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { ACCOUNTS, killPurges } from '../helpers/killed-purge.ts';

const { client, fresh } = databases();
const db = fresh();

beforeAll(async () => {
  await migrateUp(client, db, () => {});
});

it('a purge that is killed leaves nothing half done, and the next one goes on', async () => {
  const env = { MONGODB_URI: uriOf(db.databaseName), KEYRING: generateKeyringSpec() };
  await killPurges(db, env, 2);
  expect(await db.collection('erasures').countDocuments()).toBe(2 * ACCOUNTS + 1);
}, 60_000);
