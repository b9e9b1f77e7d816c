import { beforeEach, expect, it, vi } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';

// Each command is a process of its own, which on a busy machine takes seconds to start.
vi.setConfig({ testTimeout: 60_000 });

const { client, fresh } = databases();
let db: ReturnType<typeof fresh>;
beforeEach(async () => {
  db = fresh();
  await migrateUp(client, db, () => {});
});

const KEYRING = generateKeyringSpec();

/** What a command prints; it goes well. */
async function printed(encrypt: boolean, args: string[], input = ''): Promise<string> {
  const env = { MONGODB_URI: uriOf(db.databaseName), KEYRING, ENCRYPT_NAMES: String(encrypt) };
  const { code, stdout, stderr } = await roster(args, { env, input });
  expect(code, stderr).toBe(0);
  return stdout;
}

const account = () => db.collection('users').findOne();
const ADMIN = ['admin', 'create', '--email', 'grace@example.com', '--first-name', 'Grace', '--last-name', 'Hopper'];

it('every command reads and writes names as they are kept, and keys rotate turns the one into the other', async () => {
  await printed(true, [...ADMIN, '--password-stdin'], 'correct horse battery staple\n');
  expect(await account()).not.toHaveProperty('firstName');
  for (const encrypt of [true, false])
    expect(JSON.parse(await printed(encrypt, ['export', 'users']))).toMatchObject({
      firstName: 'Grace',
      lastName: 'Hopper',
    });

  const sealed = await account();
  expect(await printed(false, ['keys', 'rotate'])).toContain('Left encrypted: the names of 1 account.');
  expect(await printed(false, ['keys', 'rotate', '--open-names', '--dry-run'])).toContain('Would open the names of');
  expect(await account()).toEqual(sealed);
  expect(await printed(false, ['keys', 'rotate', '--open-names'])).toContain('Opened the names of 1 account.');
  expect(await account()).toMatchObject({ firstName: 'Grace', lastNameKey: 'hopper' });

  expect(await printed(true, ['keys', 'rotate', '--dry-run'])).toContain('Would encrypt the names of 1 account.');
  expect(await printed(true, ['keys', 'rotate'])).toContain('Encrypted the names of 1 account.');
  expect(await account()).not.toHaveProperty('firstNameKey', 'grace');
  expect(await printed(true, ['keys', 'rotate'])).not.toContain('names');
});

it('what does not open is named by an export, and what cannot be changed holds up nothing else', async () => {
  await printed(true, [...ADMIN, '--password-stdin'], 'correct horse battery staple\n');
  const { _id } = (await account()) ?? {};
  const env = { MONGODB_URI: uriOf(db.databaseName), KEYRING: generateKeyringSpec(), ENCRYPT_NAMES: 'true' };
  const refused = await roster(['export', 'users'], { env });
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(String(_id))]);
  expect(refused.stderr).not.toMatch(/^\s+at /m);
  expect((await roster(['keys', 'rotate', '--open-names'], { env })).code).toBe(2);
});
