import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { currentHolder } from '../../src/embedded/lock.ts';
import { shippedMigrations } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { migrateMongo, type Outcome } from '../helpers/migrate-mongo.ts';

const shipped = await shippedMigrations();

vi.setConfig({ testTimeout: 60_000 });

const { fresh } = databases();

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

  it('without MONGODB_URI works on the database that comes along, for as long as it takes', async () => {
    const database = { DATA_DIRECTORY: await mkdtemp(join(tmpdir(), 'migrate-')) };
    try {
      const up = await migrateMongo(['up'], database).done;
      expect(up).toMatchObject({ code: 0, stdout: expect.stringContaining(`MIGRATED UP: ${shipped[0]}`) });
      expect(currentHolder(database.DATA_DIRECTORY)).toBeUndefined();
      expect((await migrateMongo(['status'], database).done).stdout).not.toContain('PENDING');
    } finally {
      await rm(database.DATA_DIRECTORY, { recursive: true });
    }
  });
});
