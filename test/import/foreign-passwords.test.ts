import { describe, expect, it } from 'vitest';
import { EXAMPLE_PASSWORD } from '../../examples/hashes.ts';
import { parseFirebaseHashConfig } from '../../src/import/formats/firebase-hash-config.ts';
import { createPasswords } from '../../src/lib/passwords.ts';
import { readFixture, signerKey } from '../helpers/foreign-files.ts';

const passwords = createPasswords({
  memoryKiB: 64,
  passes: 1,
  parallelism: 1,
  maxQueue: 100,
  firebaseScryptKey: Buffer.from(signerKey, 'base64'),
});

const FILES = [
  'auth0.ndjson',
  'auth0-import.json',
  'firebase.json',
  'keycloak.json',
  'supabase.ndjson',
  'supabase.csv',
  'clerk.csv',
  'parse.ndjson',
  'better-auth.ndjson',
];

it.each(FILES)('the password of everybody in %s still is their password', async (file) => {
  const hashes = Object.values((await readFixture(file)).accounts).flatMap(({ passwordHash }) =>
    typeof passwordHash === 'string' ? [passwordHash] : [],
  );
  expect(hashes).not.toEqual([]);
  for (const hash of hashes) {
    expect([hash, (await passwords.verify(hash, EXAMPLE_PASSWORD)).valid]).toEqual([hash, true]);
    expect((await passwords.verify(hash, `${EXAMPLE_PASSWORD}?`)).valid).toBe(false);
  }
});

it.each([...FILES, 'cognito.json', 'clerk.json'])(
  'no token, key or second factor of %s is in a value',
  async (file) => {
    const { accounts } = await readFixture(file, { includeAppMetadata: true });
    expect(JSON.stringify(accounts)).not.toMatch(/secret-token|JBSWY3DP|\+?15550100/);
  },
);

describe('Firebase', () => {
  it('keeps its signer key out of each hash', async () => {
    const { accounts } = await readFixture('firebase.json');
    expect(accounts['ada']?.['passwordHash']).toMatch(/^\$firebase-scrypt\$ln=14,r=8,sep=Bw\$42xEC\+ixf3L2lw\$/);
    for (const file of ['firebase.json', 'supabase.ndjson', 'clerk.csv'])
      expect(JSON.stringify(await readFixture(file))).not.toContain(signerKey.slice(0, 20));
  });

  it.each([
    ['no parameters', { firebaseHashConfig: undefined }],
    ['no key', { firebaseKey: undefined }],
    ['the key of another project', { firebaseKey: Buffer.alloc(64).toString('base64') }],
  ])('with %s has hashes that nobody could sign in with, and refuses them', async (_, options) => {
    expect((await readFixture('firebase.json', options)).problems).toContainEqual([
      2,
      '/passwordHash',
      'unsupported-hash',
    ]);
  });

  it.each(['', 'hash_config { algorithm: BCRYPT, rounds: 8, mem_cost: 14 }', 'hash_config { algorithm: SCRYPT }'])(
    'has no parameters in %j',
    (text) => expect(parseFirebaseHashConfig(text)).toBeUndefined(),
  );
});
