import mongoose, { type Connection } from 'mongoose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Collection } from '../../src/collections/define.ts';
import { missingUniqueIndexes, resources } from '../../src/collections/index.ts';
import { applyMigrations, pendingMigrations, shippedMigrations } from '../../src/migrations.ts';
import { freshName, uriOf } from '../helpers/databases.ts';

const uri = uriOf(freshName());
let connection: Connection;

beforeAll(async () => {
  connection = await mongoose.createConnection(uri).asPromise();
});
beforeEach(() => connection.dropDatabase());
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

const uniqueIn = ({ name, indexDefinitions }: Collection): string[] =>
  indexDefinitions.flatMap((index) => (index.unique ? [`${name}: ${index.name}`] : []));

it('are all missing, and all migrations pending, in an empty database', async () => {
  expect(await pendingMigrations(connection)).toEqual(await shippedMigrations());
  expect(await missingUniqueIndexes(connection)).toEqual([
    'users: idx_users_email',
    'sessions: idx_sessions_refresh_token_hash',
    'one_time_tokens: idx_one_time_tokens_hash',
    'credentials: idx_credentials_credential_id',
    'credentials: idx_credentials_user_id',
    'identities: idx_identities_provider_subject',
    'api_keys: idx_api_keys_prefix',
    'signing_keys: idx_signing_keys_generation',
    'backups: idx_backups_name',
    'backups: idx_backups_running',
    'webhook_deliveries: idx_webhook_deliveries_event_id_webhook_id',
    'rate_limits: idx_rate_limits_key',
    ...resources.flatMap((each) => each.collections.flatMap(uniqueIn)),
  ]);
});

it('are made by the migrations', async () => {
  expect(await applyMigrations(uri, () => {})).toEqual(await shippedMigrations());
  expect(await pendingMigrations(connection)).toEqual([]);
  expect(await missingUniqueIndexes(connection)).toEqual([]);
});

it('are missed by the rule that they enforce, not by their name', async () => {
  await applyMigrations(uri, () => {});
  const users = connection.collection('users');
  await users.dropIndex('idx_users_email');
  await users.createIndex({ email: 1 }, { name: 'idx_users_email' });
  expect(await missingUniqueIndexes(connection)).toEqual(['users: idx_users_email']);
  await users.dropIndex('idx_users_email');
  await users.createIndex({ email: 1 }, { name: 'by_hand', unique: true, sparse: true });
  expect(await missingUniqueIndexes(connection)).toEqual(['users: idx_users_email']);
  await users.dropIndex('by_hand');
  await users.createIndex({ email: 1 }, { name: 'by_hand', unique: true });
  expect(await missingUniqueIndexes(connection)).toEqual([]);
});

it('leaves migrations that only the database knows to whoever shipped them', async () => {
  await applyMigrations(uri, () => {});
  await connection.collection('changelog').insertOne({ fileName: '900_newer.js', appliedAt: new Date() });
  expect(await pendingMigrations(connection)).toEqual([]);
});
