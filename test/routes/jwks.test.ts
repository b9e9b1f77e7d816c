import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SigningKey } from '../../src/models/signing-key.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { listen } from '../helpers/listen.ts';
import { call, type Person, person } from '../helpers/people.ts';

const DAY_MS = 86_400_000;

let service: TestApp;
let address: string;
let ada: Person;
beforeAll(async () => {
  service = await buildTestApp();
  ada = await person(service);
  address = `http://127.0.0.1:${await listen(service.app)}`;
});
afterAll(() => service.close());

const get = (headers = {}) => call(service, 'GET', '/.well-known/jwks.json', undefined, { headers });

describe('the key set', () => {
  it('is all that another service needs to verify an access token', async () => {
    const keys = createRemoteJWKSet(new URL(`${address}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(ada.accessToken, keys, {
      issuer: service.config.PUBLIC_URL,
      audience: service.config.PUBLIC_URL,
      algorithms: ['EdDSA'],
      typ: 'at+jwt',
    });
    expect(payload).toMatchObject({ sub: ada.id, sid: ada.sessionId, roles: ['user'] });
    expect(keys.jwks()?.keys.map(({ kid }) => kid)).toContain(protectedHeader.kid);
    // The same set does not vouch for a token that was altered.
    const altered = ada.accessToken.replace(/\.[^.]*\./, `.${Buffer.from('{"sub":"x"}').toString('base64url')}.`);
    await expect(jwtVerify(altered, keys)).rejects.toThrow('signature verification failed');
  });

  it('has public members alone, of each key', async () => {
    // As a stored key that holds more than it should.
    await SigningKey.updateMany({}, { $set: { 'publicJwk.d': 'c2VjcmV0' } });
    const another = await service.another();
    const { keys } = (await call(another, 'GET', '/.well-known/jwks.json')).json();
    const { kid } = await another.deps.signingKeys.current();
    expect(keys).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x: expect.stringMatching(/^[\w-]{43}$/), kid, alg: 'EdDSA', use: 'sig' },
    ]);
  });

  it('is of its registered type, for anybody to keep for ten minutes', async () => {
    const { statusCode, headers } = await get();
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/jwk-set+json; charset=utf-8',
      'cache-control': 'public, max-age=600',
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
    });
  });

  it('is sent again only once it has changed', async () => {
    const { etag } = (await get()).headers;
    const known = { 'if-none-match': `"other", W/${etag}` };
    const unchanged = await get(known);
    expect([unchanged.statusCode, unchanged.body, unchanged.headers['etag']]).toEqual([304, '', etag]);
    expect(unchanged.headers['cache-control']).toBe('public, max-age=600');

    await SigningKey.updateMany({}, { $set: { activatesAt: new Date(Date.now() - 29 * DAY_MS) } });
    expect(await service.deps.signingKeys.rotate()).toBe(true);
    const changed = await get(known);
    expect(changed.statusCode).toBe(200);
    expect(changed.headers['etag']).not.toBe(etag);
    expect(changed.json().keys).toHaveLength(2);
  });
});
