import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HASHES } from '../../examples/hashes.ts';
import { checkAccount } from '../../src/import/account.ts';
import type { Entry } from '../../src/import/entries.ts';
import type { FormatOptions } from '../../src/import/formats/format.ts';
import { FOREIGN_FORMATS } from '../../src/import/formats/index.ts';
import { read, untold } from '../helpers/foreign-files.ts';

describe('what does not fit', () => {
  const auth0 = (user: object, options?: FormatOptions) =>
    read('auth0', Readable.from([Buffer.from(JSON.stringify(user))]), false, options);
  const firstValue = ([entry]: readonly Entry[]) => (entry !== undefined && 'value' in entry ? entry.value : entry);

  it('of metadata is left out and counted, and the rest is kept', async () => {
    const metadata = { a: 1, 'b.c': 2, deep: { a: { b: { c: { d: 1 } } } }, long: 'x'.repeat(5_000), z: 'last' };
    const { entries, mapping } = await auth0({ email: 'a@example.com', user_metadata: metadata });
    expect(firstValue(entries)).toEqual({ email: 'a@example.com', metadata: { a: 1, z: 'last' } });
    const leftOut = mapping.rows().filter(({ to }) => to === null);
    expect(leftOut.map(({ from }) => from)).toEqual(['b.c', 'deep', 'long'].map((key) => `user_metadata.${key}`));
  });

  it('of what people wrote themselves never stands in the place of what they could not change', async () => {
    const user = {
      email: 'a@example.com',
      user_id: 'auth0|1',
      user_metadata: { externalId: 'auth0|2', plan: 'mine' },
      app_metadata: { plan: 'theirs' },
    };
    const { entries } = await auth0(user, { includeAppMetadata: true });
    expect(firstValue(entries)).toMatchObject({ metadata: { externalId: 'auth0|1', plan: 'theirs' } });
    for (const [format, [own, of]] of Object.entries({
      supabase: ['raw_user_meta_data', 'raw_app_meta_data'],
      clerk: ['unsafe_metadata', 'public_metadata'],
    } as const)) {
      const row = {
        email: 'a@example.com',
        id: '1',
        [own]: { externalId: '2', plan: 'mine' },
        [of]: { plan: 'theirs' },
      };
      const source = Readable.from([Buffer.from(JSON.stringify(row))]);
      const outcome = await read(format, source, false, { includeAppMetadata: true });
      expect(firstValue(outcome.entries)).toMatchObject({ metadata: { externalId: '1', plan: 'theirs' } });
    }
  });

  it('of prototypes reaches none', async () => {
    const { entries } = await auth0(
      JSON.parse(
        '{"email":"a@example.com","user_metadata":{"__proto__":{"x":1},"constructor":2},"__proto__":{"blocked":true}}',
      ),
    );
    expect(firstValue(entries)).toEqual({ email: 'a@example.com' });
  });

  it('of a name that is none, or too long, is left out', async () => {
    const { entries } = await auth0({ email: 'a@example.com', given_name: '<b>', family_name: 'x'.repeat(101) });
    expect(firstValue(entries)).toEqual({ email: 'a@example.com' });
  });

  it('of hashes is left out where that is wanted', async () => {
    const user = { email: 'a@example.com', passwordHash: HASHES.bcrypt10.replace('$10$', '$15$') };
    expect(firstValue((await auth0(user)).entries)).toMatchObject({ problems: [{ pointer: '/passwordHash' }] });
    const { entries, mapping } = await auth0(user, { withoutUnusableHashes: true });
    expect(firstValue(entries)).toEqual({ email: 'a@example.com' });
    expect(mapping.rows()).toContainEqual({
      from: 'passwordHash',
      to: null,
      accounts: 1,
      reason: 'The bcrypt cost is 15; accepted are 4 to 14',
    });
  });

  it('of any number of fields takes no more than so many lines', async () => {
    const fields = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`field${index}`, 1]));
    const rows = (await auth0({ email: 'a@example.com', ...fields })).mapping.rows();
    expect(rows).toHaveLength(501);
    expect(rows.at(-1)).toMatchObject({ from: 'other fields', accounts: 1_501 });
  });

  it.each([
    ['a list of no objects', '[1,{"email":"a@example.com"},null]'],
    ['a line that is no object', '"a@example.com"'],
  ])('%s is told', async (_, text) => {
    const { entries } = await read('auth0', Readable.from([Buffer.from(text)]), false);
    expect(entries.some((entry) => 'problems' in entry)).toBe(true);
  });
});

/** The members that the systems write, at any level: so that values of all kinds stand where others are expected. */
const KNOWN = [
  ...'email email_verified emailVerified name given_name displayName blocked created_at createdAt createdTimestamp'.split(
    ' ',
  ),
  ...'user_metadata app_metadata custom_password_hash algorithm hash value encoding salt position cost password'.split(
    ' ',
  ),
  ...'passwordHash localId customAttributes credentials type secretData credentialData attributes enabled'.split(' '),
  ...'encrypted_password banned_until deleted_at raw_user_meta_data raw_app_meta_data full_name picture'.split(' '),
  ...'Attributes Name Value Enabled UserCreateDate email_addresses verification primary_email_address_id'.split(' '),
  ...'verified_email_addresses primary_email_address password_digest password_hasher public_metadata'.split(' '),
  ...'sub user_name provider unsafe_metadata external_id Attributes banned_until'.split(' '),
  ...'_hashed_password username _created_at $date accounts providerId banned banExpires _auth_data_x id'.split(' '),
];
const HASH_TEXTS = [
  '{"value":"eA==","salt":"eA=="}',
  '{"algorithm":"argon2","hashIterations":5}',
  '{"algorithm":"pbkdf2-sha256","hashIterations":1e99}',
  'argon2',
  'scrypt',
  'pbkdf2_sha256',
  'pbkdf2_sha256$1$$',
  '$fbscrypt$v=1,n=14,r=8,p=1,ss=,sk=a$b$c',
  '$pbkdf2-sha256$i=1$a$b',
  'scrypt:1:1:1$a$b',
  'scrypt_firebase',
  '00:00',
];

it.each(FOREIGN_FORMATS.map(({ name }) => name))(
  'whatever stands in a record of %s, the import goes on, and tells of each field',
  async (name) => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('', 'a@example.com', 'x', ...HASH_TEXTS),
        fc.constantFrom(null, true, 0, -1, 1e308, 1_600_000_000, '2999-01-01', 'infinity'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...KNOWN), tie('value'), { maxKeys: 4 }),
      ),
    }));
    const record = fc.dictionary(fc.constantFrom(...KNOWN), value, { maxKeys: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 3 }), async (records) => {
        const source = Readable.from([Buffer.from(JSON.stringify(records))]);
        const { entries, mapping } = await read(name, source, false);
        expect(entries).toHaveLength(records.length);
        expect(records.flatMap((each) => untold(name, each, mapping))).toEqual([]);
        for (const entry of entries) if ('value' in entry) checkAccount(entry.value);
      }),
      { numRuns: 300 },
    );
  },
);
