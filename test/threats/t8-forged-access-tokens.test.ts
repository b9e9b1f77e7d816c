// T8: a forged access token. Elsewhere `alg: none` was taken, a public key served as an HMAC secret, the token named the
// key that it wanted to be verified with, or a token for another service, of another kind or past its time passed.
// Here a token counts only if it is EdDSA by a key of ours, of our type, from us, for us, and alive.

import {
  CompactEncrypt,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SigningKey } from '../../src/models/signing-key.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Person, person, whoAmI } from '../helpers/people.ts';

type Key = Parameters<SignJWT['sign']>[0];

let here: TestApp;
let there: TestApp;
let ada: Person;
let bob: Person;
let kid: string;
let ours: Key;
let published: JWK;
let foreign: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  ada = await person(here);
  bob = await person(here);
  const { kid: ourKid, privateKey } = await here.deps.signingKeys.current();
  kid = ourKid;
  ours = privateKey;
  published = (await SigningKey.findById(kid).lean())?.publicJwk as JWK;
  foreign = await generateKeyPair('EdDSA', { extractable: true });
});
afterAll(() => here.close());

const now = () => Math.floor(Date.now() / 1000);

/** The claims of a good token, but for what a case changes; `undefined` leaves a claim out. */
const claims = (changed: Record<string, unknown> = {}) =>
  JSON.parse(
    JSON.stringify({
      sub: ada.id,
      sid: ada.sessionId,
      roles: ['user'],
      amr: ['pwd'],
      iss: here.config.PUBLIC_URL,
      aud: here.config.PUBLIC_URL,
      iat: now(),
      exp: now() + 600,
      ...changed,
    }),
  );

const signed = (changed: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key: Key = ours) =>
  new SignJWT(claims(changed))
    .setProtectedHeader(JSON.parse(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header })))
    .sign(key, { crit: { x: true } });

const hmac = (secret: Uint8Array | string) => signed({}, { alg: 'HS256' }, Buffer.from(secret));

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function refused(token: string) {
  for (const instance of [here, there]) {
    const response = await whoAmI(instance, token);
    expect([response.statusCode, response.json().code]).toEqual([401, 'invalid-token']);
    expect(response.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  }
}

it('the token that the forgeries start from is taken', async () => {
  for (const instance of [here, there]) expect((await whoAmI(instance, await signed())).statusCode).toBe(200);
});

const FORGERIES: Record<string, [string, () => string | Promise<string>][]> = {
  'without a signature': [
    ['none', () => new UnsecuredJWT(claims()).encode()],
    ['None', () => `${base64({ alg: 'None', typ: 'at+jwt', kid })}.${base64(claims())}.`],
    [
      'none, with the key named and a signature',
      async () => {
        const [, , signature] = (await signed()).split('.');
        return `${base64({ alg: 'none', typ: 'at+jwt', kid })}.${base64(claims())}.${signature}`;
      },
    ],
    ['the signature left out', async () => (await signed()).replace(/[^.]+$/, '')],
  ],
  'with another algorithm': [
    ['HS256 with the public key, as bytes', () => hmac(Buffer.from(String(published.x), 'base64url'))],
    ['HS256 with the public key, as text', () => hmac(String(published.x))],
    ['HS256 with the public key, as JSON', () => hmac(JSON.stringify(published))],
    [
      'HS256 with the public key, as PEM',
      async () => hmac(await exportSPKI((await importJWK(published, 'EdDSA', { extractable: true })) as never)),
    ],
    ['ES256', async () => signed({}, { alg: 'ES256' }, (await generateKeyPair('ES256')).privateKey)],
    ['RS256', async () => signed({}, { alg: 'RS256' }, (await generateKeyPair('RS256')).privateKey)],
  ],
  'by another key': [
    ['under the id of ours', () => signed({}, {}, foreign.privateKey)],
    ['under an id of its own', () => signed({}, { kid: 'theirs' }, foreign.privateKey)],
    ['without an id', () => signed({}, { kid: undefined }, foreign.privateKey)],
    [
      'that the token brings along',
      async () => signed({}, { jwk: await exportJWK(foreign.publicKey) }, foreign.privateKey),
    ],
    [
      'that the token says where to fetch',
      () => signed({}, { jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x' }, foreign.privateKey),
    ],
  ],
  'by our key under a confusing id': [
    ['empty', () => signed({}, { kid: '' })],
    ['none', () => signed({}, { kid: undefined })],
    ['a prototype', () => signed({}, { kid: '__proto__' })],
    ['a path', () => signed({}, { kid: '../../dev/null' })],
    ['an operator', () => signed({}, { kid: { $ne: null } as never })],
    ['a list', () => signed({}, { kid: [kid] as never })],
    ['another case', () => signed({}, { kid: kid.toUpperCase() })],
  ],
  'for others': [
    ['another issuer', () => signed({ iss: 'https://evil.example' })],
    ['no issuer', () => signed({ iss: undefined })],
    ['ours as a prefix', () => signed({ iss: `${here.config.PUBLIC_URL}.evil.example` })],
    ['another audience', () => signed({ aud: 'https://other.example' })],
    ['no audience', () => signed({ aud: undefined })],
  ],
  'of another kind': [
    ['JWT', () => signed({}, { typ: 'JWT' })],
    ['an id token', () => signed({}, { typ: 'id+jwt' })],
    ['none', () => signed({}, { typ: undefined })],
    ['a critical extension', () => signed({}, { crit: ['x'], x: 1 })],
  ],
  'out of time': [
    ['expired', () => signed({ exp: now() - 1 })],
    ['without an end', () => signed({ exp: undefined })],
    ['an end that is no number', () => signed({ exp: 'tomorrow' })],
    ['not yet valid', () => signed({ nbf: now() + 60 })],
  ],
  'about another session': [
    ['of somebody else', () => signed({ sid: bob.sessionId })],
    ['for somebody else', () => signed({ sub: bob.id })],
    ['none', () => signed({ sid: undefined })],
    ['nobody', () => signed({ sub: undefined })],
    ['an operator', () => signed({ sid: { $ne: null } })],
    ['of nobody', () => signed({ sid: '0'.repeat(24) })],
  ],
  'tampered with': [
    [
      'the claims of another',
      async () => {
        const [header, , signature] = (await signed()).split('.');
        return `${header}.${base64(claims({ sub: bob.id, sid: bob.sessionId }))}.${signature}`;
      },
    ],
    [
      'a bit of the signature',
      async () => {
        const [header, payload, signature = ''] = (await signed()).split('.');
        const bytes = Buffer.from(signature, 'base64url');
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        return `${header}.${payload}.${bytes.toString('base64url')}`;
      },
    ],
    [
      'another header',
      async () => (await signed()).replace(/^[^.]+/, base64({ alg: 'EdDSA', typ: 'at+jwt', kid, x: 1 })),
    ],
  ],
  encrypted: [
    [
      'direct',
      () =>
        new CompactEncrypt(Buffer.from(JSON.stringify(claims())))
          .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt', kid })
          .encrypt(Buffer.from(String(published.x), 'base64url')),
    ],
    [
      'a signed token inside',
      async () =>
        new CompactEncrypt(Buffer.from(await signed()))
          .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT', kid })
          .encrypt(Buffer.alloc(32)),
    ],
  ],
};

describe.each(Object.entries(FORGERIES))('a token %s', (_kind, cases) => {
  it.each(cases)('%s', async (_name, forge) => refused(await forge()));
});

it('roles in a token grant nothing: they are read from the session', async () => {
  const headers = { authorization: `Bearer ${await signed({ roles: ['admin'] })}` };
  const response = await here.app.inject({ url: '/v1/admin/users', headers });
  expect([response.statusCode, response.json().code]).toEqual([403, 'forbidden']);
});
