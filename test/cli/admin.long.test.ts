import { PassThrough } from 'node:stream';
import type { Db } from 'mongodb';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { askedPassword, pipedPassword } from '../../src/cli/password-input.ts';
import { parseKeyring } from '../../src/lib/keyring.ts';
import { createPasswords } from '../../src/lib/passwords.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { type Outcome, roster } from '../helpers/roster.ts';

vi.setConfig({ testTimeout: 60_000 });

const PASSWORD = ' trailing spaces are kept  ';
const passwords = createPasswords({ memoryKiB: 19_456, passes: 2, parallelism: 1, maxQueue: 10 });

const { client, fresh } = databases();
let db: Db;
beforeAll(async () => {
  db = fresh();
  await migrateUp(client, db, () => {});
});

const create = (args: string[], input: string | Buffer = ''): Promise<Outcome> =>
  roster(['admin', 'create', ...args], { env: { MONGODB_URI: uriOf(db.databaseName) }, input });
const withPassword = (email: string, input: string | Buffer = `${PASSWORD}\n`, ...args: string[]) =>
  create(['--email', email, '--password-stdin', ...args], input);
const user = (email: string) => db.collection('users').findOne({ email });
const events = (id: unknown) =>
  db
    .collection('audit_events')
    .find({ 'target.id': id }, { projection: { _id: 0, at: 0 }, sort: { _id: 1 } })
    .toArray();

describe('roster admin create', () => {
  it('creates an admin who signs in with exactly this password', async () => {
    const { code, stdout } = await withPassword('Ada@Example.com', `${PASSWORD}\r\n`, '--first-name', ' Ada ');
    const ada = await user('ada@example.com');
    expect(stdout).toBe(`Created the admin ada@example.com (id ${ada?._id.toHexString()}).\n`);
    expect(code).toBe(0);
    expect(ada).toMatchObject({ firstName: 'Ada', roles: ['user', 'admin'], status: 'active', emailVerified: false });
    expect(await passwords.verify(ada?.['passwordHash'], PASSWORD)).toEqual({ valid: true, renew: false });
    expect(await events(ada?._id)).toEqual([
      {
        action: 'user.created',
        outcome: 'success',
        actor: { type: 'operator' },
        target: { collection: 'users', id: ada?._id },
      },
    ]);
  });

  it('says when the account exists, and changes nothing', async () => {
    await withPassword('twice@example.com');
    const before = await user('twice@example.com');
    const { code, stdout, stderr } = await withPassword('TWICE@example.com', 'another fine passphrase');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('twice@example.com has an account. To make it an admin, add --promote.');
    expect(await user('twice@example.com')).toEqual(before);
  });

  it.each([
    [
      'every reason against a password',
      'grace.hopper@example.com',
      'grace.hopper\n',
      [],
      /15 characters\n.*attackers try first\n.*must not be built from/,
    ],
    [
      'every reason against the account',
      'ada2',
      PASSWORD,
      ['--last-name', '<b>'],
      /one email address\n.*lastName must hold/,
    ],
    ['a password to be promoted with', 'ada@example.com', PASSWORD, ['--promote'], /leave out the password/],
  ])('exits with 2 and %s', async (_name, email, input, args, reason) => {
    const before = await db.collection('users').countDocuments();
    const { code, stdout, stderr } = await withPassword(email, input, ...args);
    expect(stderr).toMatch(reason);
    expect([code, stdout]).toEqual([2, '']);
    expect(await db.collection('users').countDocuments()).toBe(before);
  });

  it('asks nobody where there is no terminal', async () => {
    const { code, stderr } = await create(['--email', 'ada3@example.com']);
    expect(stderr).toContain('pass it in by --password-stdin');
    expect(code).toBe(2);
  });
});

describe('roster admin create --promote', () => {
  const account = (email: string, status: string) => ({
    email,
    status,
    emailVerified: false,
    roles: ['user'],
    revision: 1,
    createdAt: new Date(),
    updatedAt: new Date(),
  });

  it('gives the role to an account once, and tells the audit trail', async () => {
    await db.collection('users').insertOne(account('grace@example.com', 'active'));
    const { code, stdout } = await create(['--email', 'Grace@example.com', '--promote']);
    const grace = await user('grace@example.com');
    expect(stdout).toBe(`Made grace@example.com an admin (id ${grace?._id.toHexString()}).\n`);
    expect(code).toBe(0);
    expect(grace).toMatchObject({ roles: ['user', 'admin'], revision: 2 });
    const again = await create(['--email', 'grace@example.com', '--promote']);
    expect(again.stdout).toBe(`grace@example.com is an admin already (id ${grace?._id.toHexString()}).\n`);
    expect(again.code).toBe(0);
    expect(await user('grace@example.com')).toEqual(grace);
    expect(await events(grace?._id)).toMatchObject([{ action: 'user.roles-changed', actor: { type: 'operator' } }]);
  });

  it('refuses accounts that could not sign in, and those that are not there', async () => {
    await db.collection('users').insertOne(account('mallory@example.com', 'suspended'));
    const suspended = await create(['--email', 'mallory@example.com', '--promote']);
    expect([suspended.code, suspended.stdout]).toEqual([1, '']);
    expect(suspended.stderr).toContain('it could not sign in. The account is suspended.');
    expect(await user('mallory@example.com')).toMatchObject({ roles: ['user'], revision: 1 });
    const nobody = await create(['--email', 'nobody@example.com', '--promote']);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain('nobody@example.com has no account. To create it, leave out --promote.');
  });
});

describe('a password', () => {
  /** A terminal at which this is typed, and what it shows. */
  async function typed(...keys: string[]): Promise<{ password: string | Error; shown: string }> {
    const [input, output] = [new PassThrough(), new PassThrough({ encoding: 'utf8' })];
    let shown = '';
    output.on('data', (text: string) => {
      shown += text;
      if (/: +$/.test(text)) input.write(keys.shift());
    });
    const password = await askedPassword(input, output).catch((error: Error) => error);
    return { password, shown };
  }

  it('is asked for twice and never shown', async () => {
    expect(await typed('correct horse\r', 'correct horse\r')).toEqual({
      password: 'correct horse',
      shown: 'Password: \nAgain:    \n',
    });
  });

  it('must be typed alike twice', async () => {
    expect((await typed('correct horse\r', 'correct house\r')).password).toMatchObject({
      message: 'The two passwords differ.',
    });
    expect((await typed('\r')).password).toMatchObject({ message: 'No password was typed.' });
    expect((await typed('abc\u0003')).password).toMatchObject({ message: 'Interrupted.' });
  });

  it.each([
    ['nothing', '\n', 'holds no password'],
    ['two lines', 'correct horse battery\nstaple\n', 'more than one line'],
    ['what is not UTF-8', Buffer.alloc(20, 0xff), 'not UTF-8'],
    ['no end', Buffer.alloc(70_000, 'x'), 'too long for a password'],
  ])('is not read from a pipe that holds %s', async (_name, content, reason) => {
    const input = new PassThrough();
    input.end(content);
    await expect(pipedPassword(input)).rejects.toThrow(reason);
  });
});

describe('roster keys generate', () => {
  it('prints a keyring that can be used, another one each time', async () => {
    const [one, two] = await Promise.all([roster(['keys', 'generate']), roster(['keys', 'generate'])]);
    expect(one?.code).toBe(0);
    expect(one?.stdout).toMatch(/^k[0-9a-f]{8}:[A-Za-z0-9+/]{43}=\n$/);
    expect(() => parseKeyring(`${one?.stdout.trim()},${two?.stdout.trim()}`)).not.toThrow();
  });
});
