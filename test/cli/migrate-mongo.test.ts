import { describe, expect, it, vi } from 'vitest';
import { shippedMigrations } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { migrateMongo, type Outcome } from '../helpers/migrate-mongo.ts';

const { fresh } = databases();
const shipped = await shippedMigrations();

// Processes start and a database may: a matter of seconds, and of more on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 });

describe('the plain migrate-mongo', () => {
  it('goes up, tells where it stands, and goes down one at a time', async () => {
    const db = fresh();
    const run = (...args: string[]): Promise<Outcome> =>
      migrateMongo(args, { MONGODB_URI: uriOf(db.databaseName) }).done;
    const pending = async (): Promise<number> => [...(await run('status')).stdout.matchAll(/PENDING/g)].length;

    expect(await pending()).toBe(shipped.length);
    const up = await run('up');
    expect([...up.stdout.matchAll(/MIGRATED UP: (\S+)/g)].map(([, file]) => file)).toEqual(shipped);
    expect(await pending()).toBe(0);
    expect((await run('down')).stdout).toContain(`MIGRATED DOWN: ${shipped.at(-1)}`);
    expect(await pending()).toBe(1);
    expect(await db.collection('changelog_lock').countDocuments()).toBe(0);
  });

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
