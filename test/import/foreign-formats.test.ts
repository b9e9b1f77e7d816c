import { describe, expect, it } from 'vitest';
import { HASHES } from '../../examples/hashes.ts';
import { readFixture } from '../helpers/foreign-files.ts';

const ADA = { email: 'ada@example.com', emailVerified: true, firstName: 'Ada', lastName: 'Lovelace' };

const without = ({ passwordHash: _, ...others }: Record<string, unknown> = {}) => others;

describe('Auth0', () => {
  it('comes from its export, an account a line', async () => {
    const { accounts, problems } = await readFixture('auth0.ndjson');
    expect(problems).toEqual([]);
    expect(accounts['ada']).toEqual({
      ...ADA,
      email: 'Ada@example.com',
      avatarUrl: 'https://s.gravatar.com/avatar/abc?s=480',
      status: 'active',
      createdAt: '2020-10-06T15:31:19.372Z',
      passwordHash: HASHES.bcrypt10,
      metadata: { nickname: 'ada', locale: 'en', plan: 'team' },
    });
    expect(without(accounts['grace'])).toEqual({
      email: 'grace@example.com',
      emailVerified: false,
      status: 'suspended',
      createdAt: '2021-03-04T05:06:07.000Z',
      metadata: { nickname: 'grace' },
    });
    expect(accounts['edith']).toEqual({
      email: 'edith@example.com',
      emailVerified: true,
      firstName: 'Edith',
      lastName: 'Clarke',
    });
  });

  it('tells what became of each field', async () => {
    const rows = (await readFixture('auth0.ndjson')).mapping.rows();
    expect(rows).toContainEqual({ from: 'given_name', to: 'firstName', accounts: 1, reason: null });
    expect(rows).toContainEqual({ from: 'user_metadata.plan', to: 'metadata.plan', accounts: 1, reason: null });
    const leftOut = rows.filter(({ to }) => to === null).map(({ from, accounts, reason }) => [accounts, from, reason]);
    expect(leftOut).toEqual(
      expect.arrayContaining([
        [1, 'phone_number', 'there is no place for phone numbers'],
        [1, 'multifactor', 'second factors are set up anew'],
        [2, 'identities', 'an identity provider is linked at the next sign-in by it'],
        [1, 'picture', 'must be an absolute https URL'],
        [1, 'name', 'is the email'],
        [1, 'app_metadata.customer', 'people could not change it there, and could here'],
      ]),
    );
  });

  it('comes from the files of its own import, and says which hashes do not', async () => {
    const { accounts, problems } = await readFixture('auth0-import.json');
    expect(Object.keys(accounts)).toEqual(['argon2', 'pbkdf2', 'scrypt', 'sha256', 'sha1']);
    expect(problems).toEqual([
      [72, '/passwordHash', 'unsupported-hash'],
      [82, '/passwordHash', 'unsupported-hash'],
      [92, '/passwordHash', 'unsupported-hash'],
    ]);
  });
});

describe('Firebase', () => {
  it('comes from auth:export', async () => {
    const { accounts, problems } = await readFixture('firebase.json');
    expect(problems).toEqual([[32, '/email', 'required']]);
    expect(without(accounts['ada'])).toEqual({
      email: 'ada@example.com',
      emailVerified: true,
      firstName: 'Ada',
      lastName: 'King Lovelace',
      avatarUrl: 'https://example.com/ada.png',
      status: 'active',
      createdAt: '2017-07-14T02:40:00.000Z',
    });
    expect(accounts['grace']).toMatchObject({ status: 'suspended', createdAt: '2020-09-13T12:26:40.000Z' });
  });
});

describe('Keycloak', () => {
  it('comes from a realm, whatever else stands in it', async () => {
    const { accounts, problems, mapping } = await readFixture('keycloak.json', { includeAppMetadata: true });
    expect(problems).toEqual([[127, '/email', 'required']]);
    expect(Object.keys(accounts)).toEqual(['ada', 'grace', 'edith', 'mary']);
    expect(accounts['ada']).toEqual({
      ...ADA,
      status: 'active',
      createdAt: '2022-04-15T05:20:00.123Z',
      passwordHash: expect.stringMatching(/^\$argon2id\$v=19\$m=7168,t=5,p=1\$/),
      metadata: { externalId: 'a3a1f6d2', username: 'ada', locale: 'en', teams: ['red', 'blue'] },
    });
    expect(accounts['grace']).toMatchObject({ status: 'suspended', emailVerified: false });
    expect(mapping.rows()).toContainEqual(expect.objectContaining({ from: 'credentials.otp', to: null }));
    expect(mapping.rows()).toContainEqual(expect.objectContaining({ from: 'realmRoles', to: null }));
  });
});

describe('Supabase', () => {
  it('comes from the rows of auth.users, as JSON', async () => {
    const { accounts, problems } = await readFixture('supabase.ndjson');
    expect(problems).toEqual([[4, '/status', 'not-allowed']]);
    expect(without(accounts['ada'])).toEqual({
      ...ADA,
      avatarUrl: 'https://example.com/ada.png',
      createdAt: '2023-05-06T07:08:09.123Z',
      metadata: { theme: 'dark' },
    });
    expect(accounts['grace']).toMatchObject({ status: 'suspended', firstName: 'Grace', lastName: 'Hopper' });
    expect(accounts['grace']).not.toHaveProperty('emailVerified');
    expect(accounts['edith']).not.toHaveProperty('status');
  });

  it('comes from them as CSV', async () => {
    const { accounts, problems } = await readFixture('supabase.csv');
    expect(problems).toEqual([]);
    expect(without(accounts['ada'])).toEqual({
      ...ADA,
      createdAt: '2023-05-06T07:08:09.123Z',
      metadata: { theme: 'dark' },
    });
  });
});

describe('Cognito', () => {
  it('comes from list-users, without passwords', async () => {
    const { accounts, problems } = await readFixture('cognito.json');
    expect(problems).toEqual([]);
    expect(accounts['ada']).toEqual({
      ...ADA,
      status: 'active',
      createdAt: '2022-03-04T05:06:07.890Z',
      metadata: { username: 'a1b2', locale: 'en' },
    });
    expect(accounts['grace']).toMatchObject({
      status: 'suspended',
      lastName: 'Hopper',
      createdAt: '2020-09-13T12:26:40.500Z',
    });
  });

  it('comes from CSV', async () => {
    expect((await readFixture('cognito.csv', { includeAppMetadata: true })).accounts['ada']).toEqual({
      ...ADA,
      metadata: { username: 'ada', plan: 'team' },
    });
  });
});

describe('Clerk', () => {
  it('comes from the CSV of its dashboard, with the hashes of whatever its accounts came from', async () => {
    const { accounts, problems, mapping } = await readFixture('clerk.csv');
    expect(problems).toEqual([[9, '/passwordHash', 'unsupported-hash']]);
    expect(without(accounts['ada'])).toEqual({
      ...ADA,
      metadata: { username: 'ada' },
    });
    expect(accounts['django']).toMatchObject({ emailVerified: false });
    expect(accounts['sha1']).not.toHaveProperty('emailVerified');
    expect(mapping.rows()).toContainEqual(expect.objectContaining({ from: 'totp_secret', to: null }));
  });

  it('comes from its API', async () => {
    const { accounts } = await readFixture('clerk.json', { includeAppMetadata: true });
    expect(accounts['edith']).toEqual({
      email: 'edith@example.com',
      emailVerified: true,
      firstName: 'Edith',
      lastName: 'Clarke',
      avatarUrl: 'https://img.clerk.com/x',
      status: 'suspended',
      createdAt: '2023-11-14T22:13:20.000Z',
      metadata: { externalId: 'user_9', plan: 'team', customer: 9 },
    });
  });
});

describe('Parse', () => {
  it('comes from mongoexport of _User, also where the name is the email', async () => {
    const { accounts, problems } = await readFixture('parse.ndjson');
    expect(problems).toEqual([[3, '/email', 'required']]);
    expect(accounts['ada']).toEqual({
      email: 'ada@example.com',
      emailVerified: true,
      firstName: 'Ada',
      createdAt: '2019-02-03T04:05:06.789Z',
      passwordHash: HASHES.bcrypt10,
      metadata: { username: 'ada', score: 7, birthday: '1815-12-10T00:00:00.000Z' },
    });
    expect(accounts['grace']).toMatchObject({ emailVerified: false, createdAt: '2019-02-03T04:05:06.789Z' });
  });
});

describe('Better Auth', () => {
  it('comes from its users with their accounts', async () => {
    const { accounts, problems } = await readFixture('better-auth.ndjson');
    expect(problems).toEqual([]);
    expect(without(accounts['ada'])).toEqual({
      ...ADA,
      avatarUrl: 'https://example.com/ada.png',
      status: 'active',
      createdAt: '2024-05-06T07:08:09.000Z',
    });
    expect(accounts['grace']).toMatchObject({ emailVerified: false, status: 'suspended' });
  });
});
