import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { type Outcome, roster } from '../helpers/roster.ts';

const { client, fresh } = databases();
const db = fresh();
let directory: string;
beforeAll(async () => {
  await migrateUp(client, db, () => {});
  directory = mkdtempSync(join(tmpdir(), 'roster-import-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const path = (name: string) => join(directory, name);

function file(name: string, content: string): string {
  writeFileSync(path(name), content);
  return path(name);
}

const importFile = (...args: string[]): Promise<Outcome> =>
  roster(['import', 'users', ...args], { env: { MONGODB_URI: uriOf(db.databaseName) } });

describe('roster import users', () => {
  it.each([
    ['a file that is not there', () => [path('none.csv')], /none\.csv cannot be read/],
    ['a directory', () => [directory, '--format', 'csv'], /is a directory/],
    ['a name that tells no format', () => [file('a.txt', '')], /add --format ndjson or --format csv/],
    ['no place for the report', () => [file('a.csv', 'email\n'), '--report', path('no/where')], /Choose another file/],
    ['a mapping to no field', () => [file('a.csv', 'email\n'), '--map', 'x=password'], /It must be theirs=ours/],
    ['a mapping of JSON', () => [file('a.ndjson', ''), '--map', 'x=email'], /--map is for --format csv alone/],
    ['CSV of Keycloak', () => [file('a.csv', ''), '--format', 'keycloak'], /From keycloak JSON is read, not CSV/],
    [
      'JSON without the list',
      () => [file('a.json', '{}'), '--format', 'keycloak'],
      /no list of accounts named "users"/,
    ],
    [
      'parameters that are none',
      () => [file('a.json', '{}'), '--format', 'firebase', '--hash-config', path('a.json')],
      /holds no password hash parameters/,
    ],
    ['an unknown option', () => [file('a.csv', 'email\n'), '--update'], /unknown option '--update'/],
  ])('exits with 2 for %s', async (_name, args, reason) => {
    const { code, stderr } = await importFile(...args());
    expect(stderr).toMatch(reason);
    expect(code).toBe(2);
    expect(await db.collection('users').countDocuments()).toBe(0);
  });
});
