import { beforeAll, describe, expect, it } from 'vitest';
import { madeUpAccount } from '../../src/explain/accounts.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';

const { client, fresh } = databases();
const db = fresh();

const explain = (...words: string[]) => roster(['explain', ...words], { env: { MONGODB_URI: uriOf(db.databaseName) } });

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await db.collection('users').insertMany(Array.from({ length: 300 }, (_, n) => madeUpAccount(n, 300)));
});

describe('roster explain', { timeout: 60_000 }, () => {
  it('shows the shape and the plan of each query of a route, for values that the database knows', async () => {
    const { code, stdout, stderr } = await explain('GET', '/v1/admin/users/:id');
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n')[0]).toBe('GET /v1/admin/users/:id');
    expect(stdout).toMatch(/^ {2}find sessions \{"filter":\{"_id":"ObjectId"\}/m);
    expect(stdout).toMatch(/^ {2}find users \{"filter":\{"_id":"ObjectId"\}/m);
    expect(stdout).toMatch(/IXSCAN _id_|IDHACK|EXPRESS_IXSCAN/);
    expect(stdout).toContain('returned 1, examined 1 documents');
    expect(stdout).not.toContain('!');
  });

  it('refuses a route that is not there', async () => {
    const { code, stderr } = await explain('GET /v1/nope');
    expect(code).toBe(2);
    expect(stderr).toContain('There is no route "GET /v1/nope"');
  });
});
