// P1: passwords that are too short, or cut. Elsewhere a maximum of 16 kept out good ones, everything behind the 72nd byte
// was ignored, and bytes or UTF-16 units were counted for characters. Here at least PASSWORD_MIN_LENGTH code points are
// asked for, 256 are taken, each of them counts, and more are refused instead of cut. (NIST SP 800-63B-4, 3.1.1.2)

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { PASSWORD_MAX_LENGTH } from '../../src/lib/password-policy.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { call, freshEmail, PASSWORD, type Person, person } from '../helpers/people.ts';

/** A text of that many code points which nobody would try first. */
const text = (length: number): string =>
  Array.from({ length }, (_, n) => 'etaoin shrdlu cmfwyp'.charAt((n * n * 7 + n) % 20)).join('');
const emoji = (length: number): string =>
  Array.from({ length }, (_, n) => String.fromCodePoint(0x1f600 + ((n * n * 5 + n) % 60))).join('');

let service: TestApp;
let ada: Person;
beforeAll(async () => {
  service = await buildTestApp();
  ada = await person(service);
});
afterAll(() => service.close());

const signUp = (password: string, on = service, email = freshEmail()) =>
  call(on, 'POST', '/v1/users', { email, password });
const change = (newPassword: string) =>
  ada.call('PUT', '/v1/users/me/password', { currentPassword: PASSWORD, newPassword });

const PATHS = [
  { path: 'sign-up', pointer: '/password', set: (password: string) => signUp(password) },
  { path: 'change of password', pointer: '/newPassword', set: change },
];

describe.each(PATHS)('$path', ({ pointer, set }) => {
  it.each([
    ['one character', 'x', 'too-short'],
    ['14 characters', text(14), 'too-short'],
    ['14 emoji, which are 28 units of UTF-16 and 56 bytes', emoji(14), 'too-short'],
    ['8 letters with a mark each, which are 16 code points until they are composed', 'e\u0301'.repeat(8), 'too-short'],
    ['257 characters', text(257), 'too-long'],
    ['257 emoji', emoji(257), 'too-long'],
    ['4096 characters', text(4096), 'too-long'],
  ])('refuses %s', async (_, password, code) => {
    const response = await set(password);
    expect([response.statusCode, response.json().code]).toEqual([400, 'password-unacceptable']);
    expect(response.json().errors).toContainEqual(expect.objectContaining({ pointer, code }));
  });

  it('refuses what is no password at all', async () => {
    for (const password of ['', text(4097)]) {
      const response = await set(password);
      expect([response.statusCode, response.json().code]).toEqual([400, 'validation-failed']);
    }
  });
});

describe('a password', () => {
  it.each([
    ['15 characters', text(15)],
    ['15 emoji', emoji(15)],
    ['64 characters', text(64)],
    ['100 characters', text(100)],
    ['256 characters', text(PASSWORD_MAX_LENGTH)],
    ['256 emoji, which are 1024 bytes', emoji(256)],
  ])('of %s is accepted, and each character of it counts', async (_, password) => {
    const email = freshEmail();
    expect((await signUp(password, service, email)).statusCode).toBe(201);
    const signIn = async (tried: string) =>
      (await call(service, 'POST', '/v1/sessions', { email, password: tried })).statusCode;
    const points = [...password];
    expect(await signIn(password)).toBe(201);
    expect(await signIn(points.slice(0, -1).join(''))).toBe(401);
    expect(await signIn([...points.slice(0, -1), '#'].join(''))).toBe(401);
    expect(await signIn(`${password}#`)).toBe(401);
  });

  it('needs as many characters as the operator asks for, on each instance', async () => {
    const strict = await service.another({ PASSWORD_MIN_LENGTH: '20' });
    expect((await signUp(text(19), strict)).json().errors).toMatchObject([
      { code: 'too-short', detail: 'must have at least 20 characters' },
    ]);
    expect((await signUp(text(20), strict)).statusCode).toBe(201);
    expect((await signUp(text(19))).statusCode).toBe(201);
  });

  it('cannot be made shorter than 8 characters by any setting', () => {
    expect(() => loadConfig({ NODE_ENV: 'test', PASSWORD_MIN_LENGTH: '7' })).toThrow(ConfigError);
    expect(loadConfig({ NODE_ENV: 'test' }).PASSWORD_MIN_LENGTH).toBe(15);
  });
});
