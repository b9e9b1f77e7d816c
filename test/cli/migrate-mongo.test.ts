import { describe, expect, it, vi } from 'vitest';
import { databases, uriOf } from '../helpers/databases.ts';
import { migrateMongo } from '../helpers/migrate-mongo.ts';

const { fresh } = databases();

// Processes start and a database may: a matter of seconds, and of more on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 });

describe('the plain migrate-mongo', () => {
  it('gives the lock back when a migration fails, and exits with 1', async () => {
    const db = fresh();
    await db.collection('users').insertMany([{ email: 'a@example.com' }, { email: 'a@example.com' }]);
    const { code, stderr } = await migrateMongo(['up'], { MONGODB_URI: uriOf(db.databaseName) }).done;
    expect(code).toBe(1);
    expect(stderr).toMatch(/001_initial_schema\.js.*E11000/);
    expect(await db.collection('changelog_lock').countDocuments()).toBe(0);
    expect(await db.collection('changelog').countDocuments()).toBe(0);
  });

  it.each([
    ['names no database in production', ['up'], { NODE_ENV: 'production' }, 'MONGODB_URI is required in production'],
    ['says which variable is wrong', ['up'], { MONGODB_URI: 'postgres://x' }, 'MONGODB_URI'],
    ['leaves numbering to migrate:create', ['create', 'x'], {}, 'npm run migrate:create'],
  ])('%s, and refuses without a stack', async (_what, args, environment, message) => {
    const { code, stdout, stderr } = await migrateMongo(args, environment).done;
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stdout + stderr).not.toMatch(/^\s+at /m);
  });
});
