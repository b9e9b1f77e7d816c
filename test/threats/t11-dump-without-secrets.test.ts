// T11: a copy of the database in foreign hands. Elsewhere it held reset links, refresh tokens, API keys or signing keys
// as they are used, and whoever had it was everybody. Here it holds hashes, and private keys encrypted by a keyring that
// is not in it.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { placeOf } from '../../src/lib/keyring.ts';
import { SigningKey } from '../../src/models/signing-key.ts';
import { apiKeyOf } from '../helpers/api-keys.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { challengeFor, enrolTotp, passkeyOptions } from '../helpers/factors.ts';
import { magicLink, mailTo, resetToken, tokenFor, tokenIn } from '../helpers/mailed.ts';
import { call, dump, freshEmail, PASSWORD, type Person, person, refresh, signIn } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';
const WRONG = 'a wrong guess, quite long';

let service: TestApp;
let ada: Person;
let text: string;
let code: string;
/** Every secret that was on the wire or in memory, by name. */
const secrets: Record<string, string> = { password: PASSWORD, 'the next password': NEXT, 'a wrong password': WRONG };
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
  const email = freshEmail();
  const headers = { 'idempotency-key': 'kept-answer' };
  await call(service, 'POST', '/v1/users', { email, password: PASSWORD }, { headers });
  ada = await signIn(service, email);
  const refreshed = (await refresh(service, ada.refreshToken)).json();
  await call(service, 'POST', '/v1/sessions', { email, password: WRONG });
  await ada.call('PUT', '/v1/users/me/password', { currentPassword: WRONG, newPassword: NEXT });
  await ada.call('PUT', '/v1/users/me/password', { currentPassword: PASSWORD, newPassword: NEXT });
  const { link, rejectLink } = await mailTo(service, email, 'verify-email');
  const { token: magic, challenge, code: mailedCode } = await magicLink(service, email);
  const next = freshEmail('next');
  await ada.call('PUT', '/v1/users/me/email', { email: next });
  const factor = await enrolTotp(await signIn(service, email, NEXT));
  const secondStep = await challengeFor(service, email, NEXT);
  const { challenge: forPasskey } = await passkeyOptions(service);
  const robot = await apiKeyOf(service, await person(service, { roles: ['admin'] }), ['operations:read']);
  await robot.call('GET', '/v1/admin/jobs');
  const { privateJwk = '', _id = '' } = (await SigningKey.findOne().lean()) ?? {};
  const place = placeOf('signing_keys', _id, 'privateJwk');
  const { d } = JSON.parse(service.deps.keyring.decrypt(privateJwk, place).toString());
  Object.assign(secrets, {
    'the access token': ada.accessToken,
    'the next access token': refreshed.accessToken,
    'the refresh token': ada.refreshToken,
    'the next refresh token': refreshed.refreshToken,
    'the private key': d,
    'the key of the keyring': service.config.KEYRING?.split(':')[1] ?? '',
    'the idempotency key': 'kept-answer',
    'the verification': tokenIn(link),
    'the rejection': tokenIn(rejectLink),
    'the reset': await resetToken(service, email),
    'the change of email': await tokenFor(service, next, 'confirm-new-email'),
    'the challenge': challenge,
    'the secret of the magic link': magic.slice(challenge.length + 1),
    'the secret of the authenticator app': factor.secret,
    'a recovery code': factor.recoveryCodes[0] ?? '',
    'another recovery code': factor.recoveryCodes[1]?.replaceAll('-', '') ?? '',
    'the challenge of a second step': secondStep,
    'the challenge of a passkey': forPasskey,
    'the API key': robot.key,
    'the secret of the API key': robot.key.slice(-64),
  });
  code = mailedCode;
  text = await dump();
});
afterAll(() => service.close());

/** What a secret may look like in a dump: as it is, or its bytes in one of the usual spellings. */
function spellings(secret: string): string[] {
  const readings = [
    Buffer.from(secret),
    ...(/^[\w-]{43,64}$/.test(secret) ? [Buffer.from(secret, 'base64url')] : []),
    ...(/^[0-9a-f]{64}$/.test(secret) ? [Buffer.from(secret, 'hex')] : []),
  ];
  // Of a refresh token and a JWT, the part that nobody could guess.
  const parts = [secret.slice(-43), ...readings.flatMap((bytes) => bytes.subarray(-32).toString('hex'))];
  return [secret, ...parts, ...readings.flatMap((bytes) => [bytes.toString('hex'), bytes.toString('base64')])];
}

it('the dump is one of everything that was done', () => {
  for (const collection of [
    'argon2id',
    'refreshTokenHash',
    'session.created',
    'fingerprint',
    'publicJwk',
    'codeHash',
    'second-factor',
    'failures-account',
    'api-key.created',
  ])
    expect(text).toContain(collection);
});

it('no secret is in it, in whatever spelling', () => {
  for (const [name, secret] of Object.entries(secrets)) {
    expect(secret.length, name).toBeGreaterThan(8);
    for (const spelling of spellings(secret)) expect(text.includes(spelling), `${name} as ${spelling}`).toBe(false);
  }
});

it('nor is a code that was mailed, which would be short enough to find by chance among longer numbers', () => {
  expect(text).not.toContain(`"${code}"`);
});

it('no private member of a key is in it', () => {
  expect(text).not.toMatch(/"(?:d|p|q|dp|dq|qi|k)":/);
});

it('nor does it tell where anybody came from, or with what', () => {
  expect(ada.sessionId.length).toBe(24);
  expect(text).toContain(ada.sessionId);
  for (const told of ['127.0.0.1', 'lightMyRequest']) expect(text).not.toContain(told);
});

it('counters and kept answers name nobody', async () => {
  const documents: Record<string, unknown>[] = JSON.parse(text).flat();
  const counters = documents.filter((each) => 'points' in each || 'fingerprint' in each);
  expect(counters.length).toBeGreaterThan(2);
  expect(JSON.stringify(counters)).not.toContain(ada.email);
  expect(JSON.stringify(counters)).not.toContain('127.0.0.1');
});
