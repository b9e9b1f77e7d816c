// I7: credentials that are no credentials. Elsewhere a malformed header, cookie, base64 or JWT ended in a 500, or in a
// handler that ran without an account. Here it is 401, and no session is looked up for it.

import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf, keyLooksOf } from '../helpers/commands.ts';
import { malformedTokens } from '../helpers/malformed-tokens.ts';
import { attempt, type Operation, operationsOf } from '../helpers/operations.ts';
import { call, type Person, person } from '../helpers/people.ts';

let service: TestApp;
let ada: Person;
let operations: Operation[];
beforeAll(async () => {
  service = await buildTestApp();
  ada = await person(service, { roles: ['admin'] });
  operations = operationsOf(service).filter(({ signedIn }) => signedIn);
});
afterAll(() => service.close());

async function malformedHeaders(): Promise<string[]> {
  const { accessToken } = ada;
  const tokens = await malformedTokens(service, ada);
  return [
    '',
    'Bearer',
    'bearer',
    accessToken,
    `Basic ${Buffer.from(`${ada.email}:${ada.password}`).toString('base64')}`,
    'Basic %%%',
    `Token ${accessToken}`,
    `Bearer:${accessToken}`,
    `Bearer\t${accessToken}`,
    `Bearer  ${accessToken}`,
    `Bearer token="${accessToken}"`,
    `Basic x, Bearer ${accessToken}`,
    `${'Bearer '.repeat(100)}${accessToken}`,
    ...tokens.map((token) => `Bearer ${token}`),
  ];
}

describe('a malformed Authorization header', () => {
  it('is 401 on every route, with no session looked up and no key searched for each', async () => {
    const began = Date.now();
    const headers = await malformedHeaders();
    const { looks, others } = await keyLooksOf(async () => {
      for (const operation of operations)
        for (const authorization of headers) {
          const options = { headers: { authorization } };
          const response = await attempt(service, { ...operation, signedIn: false }, ada, operation.body, options);
          const what = `${operation.name} ${authorization}`;
          expect([response.statusCode, response.json().code], what).toEqual([401, 'invalid-token']);
          expect(response.headers['www-authenticate'], what).toBe('Bearer error="invalid_token"');
        }
    });
    // An unknown key id may be that of a key which another instance has just made: one look every five seconds.
    expect(others).toEqual([]);
    expect(looks).toBeLessThanOrEqual(1 + (Date.now() - began) / 5_000);
  }, 60_000);

  it('is 401 where there is none, whatever cookies come along', async () => {
    const cookies = [
      undefined,
      '',
      '=',
      ';;;',
      '%',
      'session=%00',
      `__Host-session=${ada.accessToken}`,
      '\u00e9=\u00e9',
    ];
    for (const operation of operations)
      for (const cookie of cookies) {
        const options = cookie === undefined ? {} : { headers: { cookie } };
        const response = await attempt(service, { ...operation, signedIn: false }, ada, operation.body, options);
        expect([response.statusCode, response.json().code], operation.name).toEqual([401, 'unauthenticated']);
        expect(response.headers['www-authenticate']).toBe('Bearer');
      }
  });
});

it('a token that is signed, but says nothing that makes sense, is 401', async () => {
  const { kid, privateKey } = await service.deps.signingKeys.current();
  const wrong = [
    undefined,
    null,
    42,
    '',
    'x',
    {},
    { $ne: null },
    [],
    [ada.id],
    true,
    `${ada.id} `,
    ada.id.toUpperCase(),
  ];
  const claims = [
    ...wrong.filter((sub) => sub !== ada.id).map((sub) => ({ sub, sid: ada.sessionId })),
    ...wrong.map((sid) => ({ sub: ada.id, sid })),
    { sub: '__proto__', sid: 'constructor' },
    { sub: ada.sessionId, sid: ada.id },
  ];
  const sign = (payload: Record<string, unknown>) =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
      .setIssuer(service.config.PUBLIC_URL)
      .setAudience(service.config.PUBLIC_URL)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const read = async (payload: Record<string, unknown>) => {
    const headers = { authorization: `Bearer ${await sign(payload)}` };
    return call(service, 'GET', '/v1/users/me', undefined, { headers });
  };
  for (const payload of claims) expect((await read(payload)).statusCode, JSON.stringify(payload)).toBe(401);
  expect((await read({ sub: ada.id, sid: ada.sessionId })).statusCode).toBe(200);
});

describe('a malformed refresh token', () => {
  it('is refused, and no session looked up for it', async () => {
    const { refreshToken } = ada;
    const malformed = [
      ' ',
      'x',
      '%00',
      refreshToken.slice(1),
      `${refreshToken}A`,
      `${refreshToken}=`,
      ` ${refreshToken}`,
      `${refreshToken}\n`,
      refreshToken.replace(/.$/, '+'),
      refreshToken.replace(/.$/, '/'),
      refreshToken.replace(/.$/, 'é'),
      ada.accessToken.slice(0, 512),
      '\0'.repeat(64),
      '💥'.repeat(32),
    ];
    for (const token of malformed) {
      const sent = await commandsOf(async () => {
        const response = await call(service, 'POST', '/v1/sessions/refresh', { refreshToken: token });
        expect([response.statusCode, response.json().code], token).toEqual([401, 'invalid-token']);
      });
      expect(sent, token).toEqual(['findAndModify rate_limits']);
    }
  });

  it('in a well-formed spelling of nothing is 401 as well', async () => {
    const foreign = ['A'.repeat(64), '_'.repeat(64), ada.refreshToken.replace(/.{8}$/, 'AAAAAAAA')];
    for (const refreshToken of foreign) {
      const response = await call(service, 'POST', '/v1/sessions/refresh', { refreshToken });
      expect([response.statusCode, response.json().code]).toEqual([401, 'invalid-token']);
    }
    const response = await call(service, 'POST', '/v1/sessions/refresh', { refreshToken: ada.refreshToken });
    expect(response.statusCode).toBe(200);
  });
});
