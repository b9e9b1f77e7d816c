import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseBackupKeys } from '../../src/backup/keys.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { addAccounts, backUp, directories } from '../helpers/backups.ts';
import { databases, freshName, uriOf } from '../helpers/databases.ts';
import { stateOf } from '../helpers/restores.ts';
import { roster } from '../helpers/roster.ts';

const { client, fresh } = databases();
const freshDirectory = directories();
const db = fresh();
const BACKUP_KEYS = generateKeyringSpec();
let env: Record<string, string>;
let id: string;
let moment: string;

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await addAccounts(db, 1_200);
  const root = await freshDirectory();
  const made = await backUp(db, { storage: new DirectoryStorage(root), keys: parseBackupKeys(BACKUP_KEYS) });
  id = made.manifest.id;
  moment = made.manifest.moment ?? '';
  const BACKUP_URL = pathToFileURL(root).href;
  env = { MONGODB_URI: uriOf(db.databaseName), KEYRING: generateKeyringSpec(), BACKUP_KEYS, BACKUP_URL };
});

const restore = (args: string[], more: Record<string, string> = {}) =>
  roster(['restore', ...args], { env: { ...env, ...more } });

describe('roster restore', () => {
  it('fills another database, and tells people what is in it and what to do next', async () => {
    const target = fresh();
    const { code, stdout, stderr } = await restore(['--into', target.databaseName]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^users {2}1,200 documents {2}[0-9a-f]{64}$/m);
    expect(stderr).toContain(`${target.databaseName} is as it was at ${moment}: backup ${id}`);
    expect(stderr).toContain('Make a backup now: bin/roster backup');
    expect(stderr).not.toContain('Removed again');
    expect(await stateOf(target)).toEqual(await stateOf(db));
  });

  it('tells machines the same as JSON, of counts and hashes', async () => {
    const target = fresh();
    const { code, stdout, stderr } = await restore(['--into', target.databaseName, '--backup', id, '--json']);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ event: 'restored', backup: id, moment, replayed: 0, migrated: [], erasedAgain: 0 });
    expect(report.endings).toEqual({ sessions: 0, tokens: 0, mails: 0, deliveries: 0 });
    expect(report.collections.users).toMatchObject({
      documents: 1_200,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('fills an empty database of its own, by the name of the one that was backed up', async () => {
    const target = fresh();
    const more = { MONGODB_URI: uriOf(target.databaseName) };
    const missing = await restore([], more);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('There is no backup of')]);
    const { code, stderr } = await restore(['--of', db.databaseName], more);
    expect(code, stderr).toBe(0);
    expect(await stateOf(target)).toEqual(await stateOf(db));
  });
});

describe('it refuses, with a status other than 0,', () => {
  it.each([
    ['a database that is not empty', () => [], /The database .* is not empty/],
    ['a moment before the oldest backup', () => ['--to', '2020-01-01T00:00:00Z'], /There is no backup from before/],
    ['a moment of which nothing is known', () => ['--to', '2999-01-01T00:00:00Z'], /nothing is known of later/],
    ['a moment without its zone', () => ['--to', '2026-01-01T00:00:00'], /Use a time with its zone/],
    ['a moment that is none', () => ['--to', '2026-13-01T00:00:00Z'], /Use a time with its zone/],
    ['a backup that is none', () => ['--backup', id.replace(/.$/, 'x')], /There is no backup/],
    ['a database that has no backup', () => ['--of', 'other'], /There is no backup of other/],
    ['a place that is none', () => ['--in', 'ftp://example.com'], /--in/],
  ])('%s', async (_name, args, why) => {
    const target = freshName();
    const into = args().length === 0 ? db.databaseName : target;
    const { code, stdout, stderr } = await restore([...args(), '--into', into]);
    expect([code === 0, stdout]).toEqual([false, '']);
    expect(stderr).toMatch(why);
    expect(await client.db(target).listCollections().toArray()).toEqual([]);
  });
});
