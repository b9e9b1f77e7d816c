import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { read, untold } from '../helpers/foreign-files.ts';

/** What the report says of the account: where each field went, or why it was left out. */
async function report(format: string, record: object): Promise<[from: string, what: string | null][]> {
  const source = Readable.from([Buffer.from(JSON.stringify([record]))]);
  const { mapping } = await read(format, source, false, { includeAppMetadata: true });
  expect(untold(format, record as Record<string, unknown>, mapping)).toEqual([]);
  return mapping.rows().map(({ from, to, reason }) => [from, to ?? reason]);
}

it.each<[string, string, object, [string, string][]]>([
  [
    'auth0',
    'metadata that is none',
    { user_metadata: 'x', app_metadata: [1] },
    [
      ['app_metadata', 'is no JSON object'],
      ['user_metadata', 'is no JSON object'],
    ],
  ],
  [
    'auth0',
    'empty members',
    { user_metadata: { a: null }, app_metadata: { b: null } },
    [
      ['app_metadata.b', 'is empty'],
      ['user_metadata.a', 'is empty'],
    ],
  ],
  [
    'firebase',
    'claims that are none, and a salt of nothing',
    { customAttributes: '{', salt: 'c2FsdA==' },
    [
      ['salt', 'there is no hash that it belongs to'],
      ['customAttributes', 'is no JSON object'],
    ],
  ],
  [
    'keycloak',
    'attributes that are none',
    { attributes: [1], credentials: 'x' },
    [
      ['credentials', 'is no list'],
      ['attributes', 'is no JSON object'],
    ],
  ],
  [
    'keycloak',
    'passwords of before',
    { attributes: { a: [null] }, credentials: [{ type: 'password-history' }, 1] },
    [
      ['credentials', 'is no JSON object'],
      ['credentials.password-history', 'serves signing in there'],
      ['attributes.a', 'is empty'],
    ],
  ],
  [
    'supabase',
    'what the server put into metadata',
    {
      raw_app_meta_data: { provider: 'github', providers: ['github'], plan: 'team' },
      raw_user_meta_data: {
        sub: '7',
        iss: 'https://api.github.com',
        email: 'a@example.com',
        user_name: 'ada',
        x: null,
      },
    },
    [
      ['raw_app_meta_data.plan', 'metadata.plan'],
      ['raw_user_meta_data.user_name', 'metadata.user_name'],
      ['raw_app_meta_data.provider', 'an identity provider is linked at the next sign-in by it'],
      ['raw_app_meta_data.providers', 'an identity provider is linked at the next sign-in by it'],
      ['raw_user_meta_data.sub', 'an identity provider is linked at the next sign-in by it'],
      ['raw_user_meta_data.iss', 'an identity provider is linked at the next sign-in by it'],
      ['raw_user_meta_data.email', 'stands in another field, too'],
      ['raw_user_meta_data.x', 'is empty'],
    ],
  ],
  [
    'supabase',
    'two of what an account has one of',
    {
      raw_user_meta_data: {
        ...{ first_name: 'Ada', given_name: 'Augusta', full_name: '', name: 'Ada Lovelace' },
        ...{ avatar_url: 'https://example.com/a.png', picture: 'https://example.com/b.png' },
      },
    },
    [
      ['raw_user_meta_data.first_name', 'firstName'],
      ['raw_user_meta_data.avatar_url', 'avatarUrl'],
      ['raw_user_meta_data.given_name', 'there is another firstName'],
      ['raw_user_meta_data.picture', 'there is another avatarUrl'],
      ['raw_user_meta_data.full_name', 'there are a first and a last name'],
      ['raw_user_meta_data.name', 'there are a first and a last name'],
    ],
  ],
  [
    'supabase',
    'an empty name beside another',
    { raw_user_meta_data: { full_name: '', name: 'Ada Lovelace' } },
    [
      ['raw_user_meta_data.name', 'firstName, lastName'],
      ['raw_user_meta_data.full_name', 'must hold more than white space and markup'],
    ],
  ],
  ['supabase', 'one that is deleted there', { deleted_at: '2024-01-01' }, [['deleted_at', 'is deleted there']]],
  ['cognito', 'attributes that are none', { Attributes: 'x' }, [['Attributes', 'is not known to this import']]],
  [
    'cognito',
    'attributes by the name of a field',
    {
      Enabled: true,
      Attributes: [
        { Name: 'Enabled', Value: 'false' },
        { Name: 'locale', Value: 'en' },
      ],
    },
    [
      ['Enabled', 'status'],
      ['locale', 'metadata.locale'],
      ['Attributes', 'is not known to this import'],
    ],
  ],
  [
    'clerk',
    'a hasher of nothing',
    { password_hasher: 'bcrypt', external_id: 'c-9' },
    [
      ['external_id', 'metadata.external_id'],
      ['password_hasher', 'there is no hash that it belongs to'],
    ],
  ],
  [
    'clerk',
    'addresses that are none',
    {
      verified_email_addresses: 7,
      unverified_email_addresses: ' , ',
      primary_email_address_id: 'x',
      email_addresses: {},
    },
    [
      ['verified_email_addresses', 'holds no address'],
      ['unverified_email_addresses', 'holds no address'],
      ['primary_email_address_id', 'is of no use outside that system'],
      ['email_addresses', 'is no list'],
    ],
  ],
  ['parse', 'a name that is no text', { username: 7 }, [['username', 'metadata.username']]],
  [
    'better-auth',
    'an end without a ban',
    { banExpires: '2999-01-01' },
    [['banExpires', 'a suspension here has no end']],
  ],
  [
    'better-auth',
    'accounts that are none',
    { accounts: [7, { provider_id: 'credential', password: null }] },
    [
      ['accounts', 'is no JSON object'],
      ['accounts', 'holds no password'],
    ],
  ],
  [
    'better-auth',
    'a column that is there twice',
    { emailVerified: true, email_verified: 'f' },
    [
      ['emailVerified', 'emailVerified'],
      ['email_verified', 'metadata.email_verified'],
    ],
  ],
])('of %s: %s', async (format, _, record, rows) => {
  expect(await report(format, record)).toEqual(rows);
});

it('the external id that Clerk keeps for an application comes along only with what applications keep', async () => {
  const source = Readable.from([Buffer.from('[{"external_id":"c-9"}]')]);
  const { entries, mapping } = await read('clerk', source, false);
  expect(entries).toMatchObject([{ value: {} }]);
  expect(mapping.rows()).toMatchObject([{ to: null, reason: 'people could not change it there, and could here' }]);
});

it('the export that docs/moving-in.md asks of Auth0 is what is carried over', async () => {
  const text = readFileSync(new URL('../../docs/moving-in.md', import.meta.url), 'utf8');
  const [, request = '{}'] = /users-exports --data '([^']*)'/.exec(text) ?? [];
  const asked = (JSON.parse(request) as { fields: { name: string }[] }).fields.map(({ name }) => name);
  const account = {
    ...{ user_id: 'auth0|1', email: 'a@example.com', email_verified: true, username: 'ada', nickname: 'ada' },
    ...{ given_name: 'Ada', family_name: 'Lovelace', picture: 'https://example.com/a.png', blocked: false },
    ...{ created_at: '2020-10-06T15:31:19Z', user_metadata: { a: 1 }, app_metadata: { b: 2 } },
  };
  const rows = [...(await report('auth0', account)), ...(await report('auth0', { name: 'Ada Lovelace' }))];
  expect(asked.toSorted()).toEqual(rows.map(([from]) => from.replace(/\..*/, '')).toSorted());
});
