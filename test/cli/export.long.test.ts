import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { inPieces, writeFileWhole } from '../../src/export/output-file.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { type Outcome, roster } from '../helpers/roster.ts';

vi.setConfig({ testTimeout: 60_000 });

const { client, fresh } = databases();
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'roster-export-'));
});
afterEach(() => rmSync(directory, { recursive: true }));
const path = (name: string) => join(directory, name);

async function migrated(): Promise<Db> {
  const db = fresh();
  await migrateUp(client, db, () => {});
  return db;
}

const on = (db: Db, ...args: string[]): Promise<Outcome> =>
  roster(args, { env: { MONGODB_URI: uriOf(db.databaseName) } });

const HASH = '$argon2id$v=19$m=19456,t=2,p=1$B3kyMUZBpbpMZxbuXxIpaQ$GZWmBYWtNK0yJWAtVzbfluWq1KDUS22UvYkxx7GbguM';

/** As stored, so that what comes out can be compared with it. */
const PEOPLE = [
  {
    email: 'maria.jose@example.com',
    passwordHash: HASH,
    firstName: 'María José',
    lastName: "O'Brien, “Jr.”",
    avatarUrl: 'https://example.com/a.webp?x=1,2',
    emailVerified: true,
    status: 'inactive',
    roles: ['user', 'support', 'admin'],
    metadata: { plan: 'team', note: 'a "quote", a comma,\na line break', n: [1, 2.5, null, true, {}], empty: '' },
    createdAt: '2020-02-29T23:59:59.999Z',
  },
  {
    email: 'formula@example.com',
    passwordHash: '$pbkdf2-sha256$i=27500$nzwdelLoS2Ch0sO05fYHGA$QvwdQCaatLQ7bXZjxrj6vg64ayGMM4juru361hvjPC8',
    firstName: '=HYPERLINK("https://example.com","click")',
    lastName: '+1-2@3',
    emailVerified: false,
    status: 'suspended',
    roles: ['user'],
    metadata: {},
    createdAt: '2021-01-01T00:00:00.000Z',
  },
  {
    email: '小龙@xn--fsqu00a.xn--0zwm56d',
    passwordHash: '$firebase-scrypt$ln=14,r=8,sep=Bw$42xEC+ixf3L2lw$0eYYGda0K77dbu96i3hjdzCgB11VwmkqPe+Z/eHnq+8',
    firstName: '小龙',
    lastName: 'العربية עברית',
    emailVerified: false,
    status: 'active',
    roles: ['user'],
    metadata: { 2: 'two', 10: 'ten', a: 1e21, b: 0.1, c: -5e-324, d: 9007199254740992, é: '\u2028' },
    createdAt: '2022-01-01T00:00:00.000Z',
  },
];

const asNdjson = (people: readonly object[]): string => people.map((one) => `${JSON.stringify(one)}\n`).join('');

describe('roster export users', () => {
  let db: Db;
  beforeAll(async () => {
    db = await migrated();
    const file = join(mkdtempSync(join(tmpdir(), 'roster-export-')), 'people.ndjson');
    writeFileSync(file, asNdjson([...PEOPLE, { email: 'deleted@example.com' }]));
    expect((await on(db, 'import', 'users', file)).code).toBe(0);
    await db.collection('users').updateOne({ email: 'deleted@example.com' }, { $set: { status: 'deleted' } });
  });

  it.each(['ndjson', 'csv'])('writes %s that import reads into equal accounts', async (format) => {
    const [file, again] = [path(`a.${format}`), path(`b.${format}`)];
    expect((await on(db, 'export', 'users', '--output', file, '--include-password-hashes')).code).toBe(0);
    if (format === 'ndjson') expect(readFileSync(file, 'utf8')).toBe(asNdjson(PEOPLE));

    const elsewhere = await migrated();
    const { code, stdout } = await on(elsewhere, 'import', 'users', file, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ imported: 3, skipped: 0, refused: 0 });
    expect(code).toBe(0);
    await on(elsewhere, 'export', 'users', '--output', again, '--include-password-hashes');
    expect(readFileSync(again)).toEqual(readFileSync(file));

    const stored = (from: Db) =>
      from
        .collection('users')
        .find({ status: { $ne: 'deleted' } }, { projection: { _id: 0, updatedAt: 0 }, sort: { email: 1 } })
        .toArray();
    expect(await stored(elsewhere)).toEqual(await stored(db));
  });

  it('writes to the standard output without password hashes, and says what it left out', async () => {
    const { code, stdout, stderr } = await on(db, 'export', 'users');
    expect(code).toBe(0);
    expect(stdout).toBe(asNdjson(PEOPLE.map(({ passwordHash: _, ...others }) => others)));
    expect(stderr).toContain('Exported 3 accounts without their password hashes.');
    expect(stderr).toContain('Left out 1 deleted accounts.');
  });

  it('is recorded, with how many accounts and whether their hashes were among it', async () => {
    const events = db.collection('audit_events');
    await events.deleteMany({ action: 'users.exported' });
    await on(db, 'export', 'users');
    await on(db, 'export', 'users', '--include-password-hashes');
    const exported = { action: 'users.exported', outcome: 'success', actor: { type: 'operator' }, count: 3 };
    const told = await events.find({ action: 'users.exported' }, { sort: { _id: 1 } }).toArray();
    expect(told).toMatchObject([exported, { ...exported, changes: ['passwordHash'] }]);
  });

  it('writes CSV as it is stored: no quote that CSV does not need, no guard against spreadsheets', async () => {
    const { stdout } = await on(db, 'export', 'users', '--format', 'csv');
    const [header, , formula] = stdout.split('\n');
    expect(header).toBe('email,firstName,lastName,avatarUrl,emailVerified,status,roles,metadata,createdAt');
    expect(formula).toBe(
      'formula@example.com,"=HYPERLINK(""https://example.com"",""click"")",+1-2@3,,false,suspended,user,{},2021-01-01T00:00:00.000Z',
    );
  });

  it('replaces an older export, readable by its owner alone', async () => {
    writeFileSync(path('a.ndjson'), 'from yesterday', { mode: 0o644 });
    expect((await on(db, 'export', 'users', '--output', path('a.ndjson'))).code).toBe(0);
    expect(statSync(path('a.ndjson')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['a.ndjson']);
  });

  it.each([
    ['a name that tells no format', 'a.txt', /add --format/],
    ['a directory', 'directory.csv', /no regular file/],
    ['a place that is not there', 'no/where.csv', /cannot be written/],
  ])('exits with 2 for %s', async (_name, name, reason) => {
    mkdirSync(path('directory.csv'));
    const { code, stderr } = await on(db, 'export', 'users', '--output', path(name));
    expect(stderr).toMatch(reason);
    expect(code).toBe(2);
    expect(readdirSync(directory)).toEqual(['directory.csv']);
  });
});

describe('a file that is written whole', () => {
  it('stays as it was when the export fails midway', async () => {
    writeFileSync(path('a'), 'from yesterday');
    async function* failing(): AsyncGenerator<string> {
      yield 'x'.repeat(100_000);
      expect(readdirSync(directory)).toHaveLength(2);
      throw new Error('the database has gone');
    }
    await expect(writeFileWhole(path('a'), failing())).rejects.toThrow('the database has gone');
    expect(readFileSync(path('a'), 'utf8')).toBe('from yesterday');
    expect(readdirSync(directory)).toEqual(['a']);
  });

  it('is handed over in pieces that keep every line', async () => {
    async function* lines(): AsyncGenerator<string> {
      for (let line = 0; line < 50_000; line++) yield `${line}\n`;
    }
    const pieces: string[] = [];
    for await (const piece of inPieces(lines())) pieces.push(piece);
    expect(pieces.length).toBeLessThan(10);
    expect(pieces.join('')).toBe(Array.from({ length: 50_000 }, (_, line) => `${line}\n`).join(''));
    await writeFileWhole(path('b'), lines());
    expect(readFileSync(path('b'), 'utf8')).toBe(pieces.join(''));
    expect(existsSync(path('a'))).toBe(false);
  });
});
