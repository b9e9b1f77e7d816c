import { execFileSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { type Outcome, roster, startRoster } from '../helpers/roster.ts';

// Each command is a process of its own, which on a busy machine takes seconds to start.
vi.setConfig({ testTimeout: 60_000 });

const HASH = '$2b$10$k2J42pMrWH1EeKmQ7nBTGOK7DP2zBG/YuOtcdypNx.QedLxOVYL0O';

const { client, fresh } = databases();
let db: Db;
let directory: string;
beforeEach(async () => {
  db = fresh();
  await migrateUp(client, db, () => {});
  directory = mkdtempSync(join(tmpdir(), 'roster-import-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const env = () => ({ MONGODB_URI: uriOf(db.databaseName) });
const path = (name: string) => join(directory, name);

const fixture = (name: string) => new URL(`../import/fixtures/${name}`, import.meta.url).pathname;

function file(name: string, content: string | Buffer): string {
  writeFileSync(path(name), content);
  return path(name);
}

const ndjson = (...values: readonly unknown[]): string =>
  values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('');
const people = (from: number, to: number): string =>
  ndjson(...Array.from({ length: to - from }, (_, index) => ({ email: `person.${from + index}@example.com` })));

const importFile = (...args: string[]): Promise<Outcome> => roster(['import', 'users', ...args], { env: env() });
const users = () => db.collection('users').find({}, { sort: { _id: 1 } });
const imported = () => db.collection('audit_events').countDocuments({ action: 'user.imported' });
const reported = (name: string) =>
  readFileSync(path(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('roster import users', () => {
  it('stores accounts as sign-up does, with an audit event each', async () => {
    const account = {
      email: 'Ada@Example.com',
      passwordHash: HASH,
      firstName: ' Ada  Augusta',
      emailVerified: true,
      status: 'suspended',
      roles: ['user', 'support'],
      metadata: { plan: 'team' },
      createdAt: '2020-02-03T04:05:06Z',
    };
    const { code, stdout } = await importFile(file('a.ndjson', ndjson(account, { email: 'b@example.com' })));
    expect(stdout).toMatch(
      /^Imported 2 of 2 accounts \(.*\/s\)\.\nSkipped 0 whose email has an account already\.\nRefused 0\.\n$/,
    );
    expect(code).toBe(0);
    const [ada, other] = await users().toArray();
    expect(ada).toEqual({
      ...account,
      _id: expect.anything(),
      email: 'ada@example.com',
      firstName: 'Ada Augusta',
      firstNameKey: 'ada augusta',
      createdAt: new Date(account.createdAt),
      updatedAt: expect.any(Date),
      revision: 1,
    });
    expect(other).toMatchObject({
      status: 'active',
      roles: ['user'],
      emailVerified: false,
      createdAt: expect.any(Date),
    });
    expect(other).not.toHaveProperty('passwordHash');
    const events = await db
      .collection('audit_events')
      .find({}, { sort: { _id: 1 } })
      .toArray();
    expect(events).toEqual(
      [ada, other].map((user) => ({
        _id: expect.anything(),
        action: 'user.imported',
        outcome: 'success',
        actor: { type: 'operator' },
        target: { collection: 'users', id: user?._id },
        at: expect.any(Date),
      })),
    );
    expect(existsSync(path('a.ndjson.refused.ndjson'))).toBe(false);
  });

  it('refuses single lines, tells which and why, and repeats no hash', async () => {
    const lines = Buffer.concat([
      Buffer.from(
        ndjson({ email: 'a@example.com' }, '{"passwordHash":"$2b$10$secret', { email: 'b@', passwordHash: HASH }),
      ),
      Buffer.from([0xff, 0x0a]),
      Buffer.from(ndjson({ email: 'c@example.com', passwordHash: '$2b$10$secret' }, `"${'x'.repeat(70_000)}"`)),
      Buffer.from(ndjson({ email: 'A@example.com' }, '', { email: 'd@example.com' })),
    ]);
    const { code, stdout, stderr } = await importFile(file('a.ndjson', lines), '--json', '--report', path('r.ndjson'));
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      file: path('a.ndjson'),
      dryRun: false,
      entries: 8,
      imported: 2,
      skipped: 0,
      refused: 6,
      seconds: expect.any(Number),
      report: path('r.ndjson'),
    });
    expect(reported('r.ndjson').map(({ line, pointer, code: why }) => [line, pointer, why])).toEqual([
      [2, '', 'invalid-json'],
      [3, '/email', 'too-short'],
      [4, '', 'invalid-utf8'],
      [5, '/passwordHash', 'unsupported-hash'],
      [6, '', 'too-long'],
      [7, '/email', 'duplicate'],
    ]);
    expect(reported('r.ndjson').at(-1).detail).toBe('is the email of line 1, too');
    expect(statSync(path('r.ndjson')).mode & 0o777).toBe(0o600);
    for (const text of [stdout, stderr, readFileSync(path('r.ndjson'), 'utf8')]) expect(text).not.toContain('$2b$');
    expect((await users().toArray()).map(({ email }) => email)).toEqual(['a@example.com', 'd@example.com']);
  });

  it('skips emails that have an account, deleted ones too, and leaves those as they are', async () => {
    await importFile(
      file('a.ndjson', ndjson({ email: 'a@example.com', firstName: 'Ada' }, { email: 'b@example.com' })),
    );
    await db.collection('users').updateOne({ email: 'b@example.com' }, { $set: { status: 'deleted' } });
    const before = await users().toArray();
    const again = ndjson(
      { email: 'A@example.com', firstName: 'Eve' },
      { email: 'b@example.com' },
      { email: 'c@example.com' },
    );
    const { code, stdout } = await importFile(file('b.jsonl', again), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ imported: 1, skipped: 2, refused: 0, report: null });
    expect(code).toBe(0);
    expect((await users().toArray()).slice(0, 2)).toEqual(before);
    expect(await imported()).toBe(3);
  });

  it('writes nothing in a dry run, and says what it would', async () => {
    await importFile(file('a.ndjson', ndjson({ email: 'a@example.com' })));
    const lines = ndjson({ email: 'a@example.com' }, { email: 'b@example.com' }, { email: 'c' });
    const { code, stdout } = await importFile(file('b.ndjson', lines), '--dry-run');
    expect(stdout).toMatch(
      /^Would import 1 of 3 accounts .*\nSkipped 1 .*\nRefused 1; .*b\.ndjson\.refused\.ndjson tells/,
    );
    expect(code).toBe(1);
    expect(await users().toArray()).toHaveLength(1);
  });

  it('continues when it was killed: no batch is half-done, no account twice', async () => {
    // A pipe, so that the first run waits for more at a known place.
    execFileSync('mkfifo', [path('pipe')]);
    const first = startRoster(['import', 'users', path('pipe'), '--format', 'ndjson', '--report', path('r.ndjson')], {
      env: env(),
    });
    const pipe = createWriteStream(path('pipe'));
    pipe.write(people(0, 1_200));
    await expect.poll(() => db.collection('users').countDocuments(), { timeout: 30_000 }).toBe(1_000);
    first.process.kill('SIGKILL');
    expect((await first.done).code).toBeNull();
    pipe.destroy();
    expect(await imported()).toBe(1_000);

    const { code, stdout } = await importFile(file('all.ndjson', people(0, 1_300)), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ entries: 1_300, imported: 300, skipped: 1_000, refused: 0 });
    expect(code).toBe(0);
    expect(await db.collection('users').countDocuments()).toBe(1_300);
    expect(await imported()).toBe(1_300);
  });

  it('leaves one account for each email when two imports race', async () => {
    const accounts = file('a.ndjson', people(0, 1_500));
    const outcomes = await Promise.all([
      importFile(accounts, '--json', '--report', path('1')),
      importFile(accounts, '--json', '--report', path('2')),
    ]);
    const [one, two] = outcomes.map(({ stdout }) => JSON.parse(stdout));
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(one.imported + two.imported).toBe(1_500);
    expect(one.skipped + two.skipped).toBe(1_500);
    expect(await db.collection('users').countDocuments()).toBe(1_500);
    expect(await imported()).toBe(1_500);
  });

  it('stops when the database refuses, keeps what was committed and says how to go on', async () => {
    await db.command({
      collMod: 'users',
      validator: { $jsonSchema: { bsonType: 'object', properties: { email: { bsonType: 'string', maxLength: 22 } } } },
    });
    const lines = people(0, 600) + ndjson({ email: 'a.longer.name.than.others@example.com' });
    const { code, stdout, stderr } = await importFile(file('a.ndjson', lines));
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('The import stopped. What it had imported stays; run it again to go on.');
    expect(await db.collection('users').countDocuments()).toBe(500);
    expect(await imported()).toBe(500);
  });

  it('brings accounts from another system, and says what becomes of each field', async () => {
    const key = /base64_signer_key: (\S+),/.exec(readFileSync(fixture('firebase-hash-config.txt'), 'utf8'))?.[1];
    const fromFirebase = (...args: string[]) =>
      roster(
        [
          ...['import', 'users', fixture('firebase.json'), '--format', 'firebase'],
          ...['--hash-config', fixture('firebase-hash-config.txt'), '--report', path('r.ndjson'), ...args],
        ],
        { env: { ...env(), ...(key && { FIREBASE_SCRYPT_KEY: key }) } },
      );
    const dryRun = await fromFirebase('--dry-run');
    expect(dryRun.stdout).toMatch(/^Would import 2 of 3 accounts/);
    expect(dryRun.stdout).toMatch(/^2 {2}email +→ email$/m);
    expect(dryRun.stdout).toMatch(/^2 {2}phoneNumber +left out +\(there is no place for phone numbers\)$/m);
    expect(await users().toArray()).toEqual([]);

    const { code, stdout } = await fromFirebase('--json');
    expect(JSON.parse(stdout)).toMatchObject({ imported: 2, refused: 1 });
    expect(JSON.parse(stdout).mapping).toContainEqual({
      from: 'displayName',
      to: 'firstName, lastName',
      accounts: 1,
      reason: 'cut at the first space',
    });
    expect(code).toBe(1);
    const [ada, grace] = await users().toArray();
    expect(ada?.['passwordHash']).toMatch(/^\$firebase-scrypt\$/);
    expect(grace).toMatchObject({ email: 'grace@example.com', status: 'suspended' });
    expect(JSON.parse((await fromFirebase('--json')).stdout)).toMatchObject({ imported: 0, skipped: 2 });
  });

  it('brings CSV with other columns', async () => {
    const names = ['E-mail=email', 'Vorname=firstName', 'Nachname=lastName', 'Hash=passwordHash'];
    const map = [...names, 'Kundennummer=metadata.customer', 'Telefon=-'].flatMap((pair) => ['--map', pair]);
    const { code, stderr } = await importFile(fixture('people.csv'), ...map);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const [ada, grace] = await users().toArray();
    expect(ada).toMatchObject({ firstName: 'Ada', emailVerified: true, metadata: { customer: '0007' } });
    expect(grace).toMatchObject({ email: 'grace@example.com', firstName: 'Grace' });
  });

  // All that it refuses so is tried in import.long.test.ts.
  it.each([
    ['a foreign header', () => [file('a.csv', 'email,password\na@example.com,x\n')], /none of ours: "password"/],
    ['no file', () => [], /missing required argument 'file'/],
  ])('exits with 2 for %s', async (_name, args, reason) => {
    const { code, stderr } = await importFile(...args());
    expect(stderr).toMatch(reason);
    expect(code).toBe(2);
    expect(await users().toArray()).toEqual([]);
  });
});
