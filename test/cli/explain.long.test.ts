import { beforeAll, expect, it } from 'vitest';
import { madeUpAccount } from '../../src/explain/accounts.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';

const { client, fresh } = databases();
const db = fresh();

const explain = (...words: string[]) => roster(['explain', ...words], { env: { MONGODB_URI: uriOf(db.databaseName) } });

/** Everything in the database, to see that it is only read. */
async function contents(): Promise<Record<string, unknown[]>> {
  const collections = await db.collections();
  const found = collections.map(
    async (one) => [one.collectionName, await one.find().sort({ _id: 1 }).toArray()] as const,
  );
  return Object.fromEntries(await Promise.all(found));
}

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await db.collection('users').insertMany(Array.from({ length: 300 }, (_, n) => madeUpAccount(n, 300)));
});

it('lists all routes, changes nothing and leaves nothing behind', async () => {
  const before = await contents();
  const { code, stdout } = await explain();
  expect(code).toBe(0);
  expect(stdout).toContain('GET /v1/users/me\n  find sessions\n  find users\n');
  expect(await contents()).toEqual(before);
  const { databases: left } = await client.db().admin().listDatabases({ nameOnly: true });
  expect(left.map(({ name }) => name).filter((name) => name.startsWith(`${db.databaseName}_`))).toEqual([]);
});

it('shows every method of a path', async () => {
  const { stdout } = await explain('/v1/sessions');
  expect(stdout.match(/^\S.*$/gm)).toEqual(['POST /v1/sessions', 'GET /v1/sessions', 'DELETE /v1/sessions']);
});

it('marks a query whose index is gone', async () => {
  await db.collection('users').dropIndex('idx_users_email');
  try {
    const { stdout } = await explain('POST /v1/sessions');
    expect(stdout).toMatch(/find users \{"filter":\{"email":"string"\}[^!]*COLLSCAN[^!]*! scans the collection/);
  } finally {
    await db.collection('users').createIndex({ email: 1 }, { name: 'idx_users_email', unique: true });
  }
});
