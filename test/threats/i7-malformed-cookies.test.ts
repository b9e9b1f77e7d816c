// I7: cookies that are no credentials. Elsewhere a value that could not be decoded ended in a 500, and one that was no token
// in a handler that ran without an account. Here it is 401, and no session is looked up for it.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf } from '../helpers/commands.ts';
import { ACCESS, REFRESH } from '../helpers/cookie-jar.ts';
import { malformedTokens } from '../helpers/malformed-tokens.ts';
import { attempt, operationsOf } from '../helpers/operations.ts';
import { call, type Person, person } from '../helpers/people.ts';

let service: TestApp;
let ada: Person;
beforeAll(async () => {
  service = await buildTestApp();
  ada = await person(service, { roles: ['admin'] });
});
afterAll(() => service.close());

/** As a page of the service itself would send them, so that it is the cookies that are refused. */
const withCookies = (cookie: string) => ({ headers: { cookie, origin: service.config.PUBLIC_URL } });

it('a malformed cookie in the place of the access token is 401 on every route, with no session looked up', async () => {
  const tokens = [
    ...(await malformedTokens(service, ada)),
    ada.refreshToken,
    '%',
    '%00',
    '%E0%A4%A',
    '"',
    '"a.b.c"',
    'a.b.c%0d%0a',
  ];
  const sent = await commandsOf(async () => {
    for (const operation of operationsOf(service).filter(({ signedIn }) => signedIn))
      for (const token of tokens) {
        const options = withCookies(`theme=dark; ${ACCESS}=${token}; ${REFRESH}=${ada.refreshToken}`);
        const response = await attempt(service, { ...operation, signedIn: false }, ada, operation.body, options);
        expect([response.statusCode, response.json().code], `${operation.name} ${token}`).toEqual([
          401,
          'invalid-token',
        ]);
      }
  });
  expect(sent.filter((name) => name !== 'find signing_keys')).toEqual([]);
});

it('one in the place of the refresh token is refused, with no session looked up', async () => {
  const { refreshToken } = ada;
  const tokens = [
    '',
    'x',
    '%00',
    '%',
    `${refreshToken}A`,
    `${refreshToken}=`,
    `"${refreshToken}"`,
    '\u00e9'.repeat(64),
  ];
  for (const token of [...tokens, ada.accessToken]) {
    const sent = await commandsOf(async () => {
      const response = await call(service, 'POST', '/v1/sessions/refresh', {}, withCookies(`${REFRESH}=${token}`));
      expect([response.statusCode, response.json().code], token).toEqual([401, 'invalid-token']);
    });
    expect(sent, token).toEqual(['findAndModify rate_limits']);
  }
});

it('a missing refresh token is asked for in the body', async () => {
  for (const cookie of [REFRESH, `${ACCESS}=${ada.accessToken}`, `x${REFRESH}=y`])
    for (const body of [{}, undefined]) {
      const response = await call(service, 'POST', '/v1/sessions/refresh', body, withCookies(cookie));
      expect([response.statusCode, response.json().errors?.[0]?.pointer], cookie).toEqual([400, '/refreshToken']);
    }
});

it('malformed cookies keep nobody from signing in', async () => {
  const cookies = [';;;=', `${ACCESS}=a.b.c; ${REFRESH}=%`, `${ACCESS}=%00; ${REFRESH}=${'A'.repeat(64)}`];
  for (const cookie of cookies) {
    const body = { email: ada.email, password: ada.password, transport: 'cookie' };
    const response = await call(service, 'POST', '/v1/sessions', body, withCookies(cookie));
    expect(response.statusCode, cookie).toBe(201);
  }
});

it('a cookie header, whatever it looks like, is nobody and no error', async () => {
  const part = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) }),
    fc.constantFrom(ACCESS, REFRESH, '=', ';', '; ', ' ', '"', '%', '%00', '.', '__proto__', 'constructor', '\t'),
  );
  const header = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(header, async (cookie) => {
      for (const method of ['GET', 'PATCH'] as const) {
        const body = method === 'PATCH' ? {} : undefined;
        expect((await call(service, method, '/v1/users/me', body, withCookies(cookie))).statusCode).toBe(401);
      }
      const refreshed = await call(service, 'POST', '/v1/sessions/refresh', {}, withCookies(cookie));
      expect(refreshed.statusCode).toBeOneOf([400, 401]);
    }),
    { numRuns: 150 },
  );
});

it('a malformed cookie does not hide a bearer token, and a good one does not mend a malformed header', async () => {
  const good = `${ACCESS}=${ada.accessToken}`;
  const read = async (authorization: string, cookie: string) =>
    (await call(service, 'GET', '/v1/users/me', undefined, { headers: { authorization, cookie } })).statusCode;
  expect(await read(ada.headers.authorization, `${ACCESS}=a.b.c`)).toBe(200);
  expect(await read('Bearer a.b.c', good)).toBe(401);
  expect(await read('', good)).toBe(401);
  const byCookie = await call(service, 'GET', '/v1/users/me', undefined, withCookies(good));
  expect(byCookie.statusCode).toBe(200);
});
