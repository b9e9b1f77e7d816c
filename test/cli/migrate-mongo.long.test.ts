import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { currentHolder } from '../../src/embedded/lock.ts';
import { shippedMigrations } from '../../src/migrations.ts';
import { migrateMongo } from '../helpers/migrate-mongo.ts';

const shipped = await shippedMigrations();

vi.setConfig({ testTimeout: 60_000 });

describe('the plain migrate-mongo', () => {
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
