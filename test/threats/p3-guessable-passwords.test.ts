// P3: passwords that are tried first. Elsewhere the list of common ones was asked at sign-up only, and a change of
// password let them in. Here what is listed, and what is made of the service's or the owner's own name or email, is
// refused with all reasons at once, on every path that sets a password.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { post, resetToken } from '../helpers/mailed.ts';
import { call, freshEmail, PASSWORD, type Person, signIn } from '../helpers/people.ts';

const LOCAL_PART = 'ada.byron';
const OWNER = { firstName: 'Augusta', lastName: 'Lovelace' };

const GUESSABLE: Record<string, [password: string, ...codes: string[]]> = {
  'a listed one, which is short as well': ['password1', 'too-short', 'too-common'],
  'a listed one, in other cases': ['PaSsWoRd', 'too-short', 'too-common'],
  'a listed one, in full width': ['ｐａｓｓｗｏｒｄ', 'too-short', 'too-common'],
  'a listed one, again and again': ['passwordpassword', 'too-common'],
  'a listed one with digits behind': ['password12345678', 'too-common'],
  'a listed one between signs': ['!!!!sunshine!!!!', 'too-common'],
  'one character, many times': ['aaaaaaaaaaaaaaaaaa', 'too-common'],
  'a row of characters': ['abcdefghijklmnopq', 'too-common'],
  'a row of digits': ['123456789012345678', 'too-common'],
  'the service': ['roster roster roster', 'too-common', 'contextual'],
  'the service, and it is short': ['Roster-2024', 'too-short', 'contextual'],
  'the own email': [`${LOCAL_PART}@example.com`, 'contextual'],
  'the part of it before the @': [`${LOCAL_PART} ${LOCAL_PART}`, 'contextual'],
  'the own names': ['augusta lovelace', 'contextual'],
  'the own last name, with a year': ['Lovelace-Lovelace-1815', 'contextual'],
  'the own names without marks': ['AUGUSTÀ LÓVELACÉ', 'contextual'],
};

let service: TestApp;
let ada: Person;
/** A refused password does not use it up. */
let reset: string;
beforeAll(async () => {
  service = await buildTestApp();
  const email = `${LOCAL_PART}@example.com`;
  await call(service, 'POST', '/v1/users', { email, password: PASSWORD, ...OWNER });
  ada = await signIn(service, email);
  reset = await resetToken(service, email);
});
afterAll(() => service.close());

interface Path {
  readonly path: string;
  readonly pointer: string;
  set(password: string): ReturnType<typeof call>;
}

const PATHS: Path[] = [
  {
    path: 'sign-up',
    pointer: '/password',
    set: (password) => call(service, 'POST', '/v1/users', { email: `${LOCAL_PART}@example.com`, password, ...OWNER }),
  },
  {
    path: 'change of password',
    pointer: '/newPassword',
    set: (newPassword) => ada.call('PUT', '/v1/users/me/password', { currentPassword: PASSWORD, newPassword }),
  },
  {
    path: 'reset',
    pointer: '/newPassword',
    set: (newPassword) => post(service, '/v1/password-resets/confirm', { token: reset, newPassword }),
  },
];

describe.each(PATHS)('$path', ({ pointer, set }) => {
  it.each(Object.entries(GUESSABLE))('refuses %s, with all reasons', async (_, [password, ...codes]) => {
    const response = await set(password);
    expect([response.statusCode, response.json().code], response.body).toEqual([400, 'password-unacceptable']);
    const errors = response.json().errors as { pointer: string; code: string }[];
    expect(errors.map(({ code }) => code).sort()).toEqual([...codes].sort());
    expect(errors.every((error) => error.pointer === pointer)).toBe(true);
  });
});

it('a change of password goes by the names that the account has now', async () => {
  const set = PATHS[1]?.set;
  await ada.call('PATCH', '/v1/users/me', { lastName: 'Somerville' });
  expect((await set?.('somerville somerville 1780'))?.json().errors).toMatchObject([{ code: 'contextual' }]);
  expect((await set?.('lovelace was never my name'))?.statusCode).toBe(204);
});

it('sign-up tells of the password and of everything else that is wrong at once', async () => {
  const response = await call(service, 'POST', '/v1/users', {
    email: 'nobody',
    password: 'password1',
    firstName: '<b>',
  });
  const found = response.json().errors.map(({ pointer, code }: Record<string, string>) => `${pointer} ${code}`);
  expect(found.sort()).toEqual([
    '/email invalid-email',
    '/firstName empty-name',
    '/password too-common',
    '/password too-short',
  ]);
});

it('the command that makes an admin refuses them too, before it looks for a database', () => {
  const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const args = ['admin', 'create', '--email', freshEmail('grace'), '--last-name', 'Hopper', '--password-stdin'];
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', program, ...args], {
    input: 'Hopper-1906\n',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', MONGODB_URI: 'mongodb://127.0.0.1:1/nowhere' },
  });
  expect(stderr).toContain('password must have at least 15 characters');
  expect(stderr).toContain('password must not be built from the name of the service, the email or the names');
  expect(status).not.toBe(0);
});
