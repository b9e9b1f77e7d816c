import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { addAccounts, directories } from '../helpers/backups.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';
import { s3Servers } from '../helpers/s3-server.ts';

const { client, fresh } = databases();
const freshDirectory = directories();
const startS3 = s3Servers();

const db = fresh();
const ENV = { MONGODB_URI: uriOf(db.databaseName), KEYRING: generateKeyringSpec() };
const BACKUP_KEYS = generateKeyringSpec();

const backup = (args: string[], env: Record<string, string> = {}) =>
  roster(['backup', ...args], { env: { ...ENV, ...env } });

const events = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await addAccounts(db, 1_000);
});

describe('roster backup', () => {
  it('makes one below the data directory, where nobody says where to, and tells its name', async () => {
    const DATA_DIRECTORY = await freshDirectory();
    const { code, stdout, stderr } = await backup([], { DATA_DIRECTORY });
    expect(code, stderr).toBe(0);
    expect(await readdir(join(DATA_DIRECTORY, 'backups'))).toEqual([stdout.trim()]);
    expect(stderr).toContain('not be encrypted');
    expect(stderr).toMatch(/documents, .* bytes in file:/);
  });

  it('tells machines in JSON lines how it goes, and lists what there is', async () => {
    const BACKUP_URL = pathToFileURL(await freshDirectory()).href;
    const { code, stdout, stderr } = await backup(['run', '--json'], { BACKUP_URL, BACKUP_KEYS });
    expect(code, stderr).toBe(0);
    const told = events(stdout);
    const keyId = BACKUP_KEYS.split(':')[0];
    expect(told[0]).toMatchObject({ event: 'started', total: expect.any(Number) });
    expect(told.at(-1)).toMatchObject({ event: 'done', location: BACKUP_URL, keyId, consistent: true, removed: [] });
    expect(told.at(-1).documents).toBeGreaterThan(1_000);
    const listed = await backup(['list', '--json'], { BACKUP_URL });
    expect(events(listed.stdout)).toMatchObject([{ id: told.at(-1).id, database: db.databaseName, keyId }]);
  });

  it('does the same in S3, also back into a directory', async () => {
    const { url, env } = await startS3();
    const made = await backup(['run', '--in', url, '--json'], { ...env, BACKUP_KEYS });
    expect(made.code, made.stderr).toBe(0);
    const { id } = events(made.stdout).at(-1);
    const verified = await backup(['verify', id, '--in', url], { ...env, BACKUP_KEYS });
    expect([verified.code, verified.stderr]).toEqual([0, expect.stringContaining('is what was backed up')]);
    const target = await freshDirectory();
    const decrypted = await backup(['decrypt', id, target, '--in', url], { ...env, BACKUP_KEYS });
    expect(decrypted.code, decrypted.stderr).toBe(0);
    expect(await readdir(join(target, id, db.databaseName))).toContain('users.bson.gz');
  });

  it('wants to be told where to in production, and what it can read', async () => {
    const production = await backup([], { NODE_ENV: 'production' });
    expect([production.code, production.stderr]).toEqual([2, expect.stringContaining('Set BACKUP_URL')]);
    const odd = await backup(['run', '--in', '/srv/backups']);
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('file:///directory')]);
    const BACKUP_URL = pathToFileURL(await freshDirectory()).href;
    const none = await backup(['decrypt', '20260131T021700Z-1a2b3c4d', '/tmp'], { BACKUP_URL });
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('There is no backup')]);
    const outside = await backup(['decrypt', '../../etc', '/tmp'], { BACKUP_URL });
    expect([outside.code, outside.stderr]).toEqual([1, expect.stringContaining('There is no backup')]);
  });
});
