import { beforeAll, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { killPurges } from '../helpers/killed-purge.ts';

const ROUNDS = 20;

const { client, fresh } = databases();
const db = fresh();

beforeAll(async () => {
  await migrateUp(client, db, () => {});
});

it('a purge that is killed twenty times leaves nothing half done', async () => {
  const env = { MONGODB_URI: uriOf(db.databaseName), KEYRING: generateKeyringSpec() };
  // A kill may come after the last step; most of them have to come before.
  expect(await killPurges(db, env, ROUNDS)).toBeGreaterThan(ROUNDS / 2);
});
