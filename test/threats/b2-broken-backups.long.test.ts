import { beforeAll, describe, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';
import { s3Servers } from '../helpers/s3-server.ts';

const { client, fresh } = databases();
const startS3 = s3Servers();
const db = fresh();
const env = { MONGODB_URI: uriOf(db.databaseName), KEYRING: generateKeyringSpec() };
beforeAll(() => migrateUp(client, db, () => {}));

describe('a storage that fails', () => {
  it('is the same in S3: a bucket that is not there, and a server that is not', async () => {
    const server = await startS3();
    for (const url of [server.url.replace('s3://backups', 's3://none'), server.url.replace(/:\d+$/, ':1')]) {
      const { code, stderr } = await roster(['backup'], { env: { ...env, ...server.env, BACKUP_URL: url } });
      expect([code, stderr]).toEqual([1, expect.stringContaining('No backup was made.')]);
    }
    const made = await roster(['backup', '--json'], { env: { ...env, ...server.env, BACKUP_URL: server.url } });
    expect(made.code, made.stderr).toBe(0);
    const { code, stdout } = await roster(['backup', 'list'], {
      env: { ...env, ...server.env, BACKUP_URL: server.url },
    });
    expect([code, stdout.split('\n').length]).toEqual([0, 2]);
  });
});
