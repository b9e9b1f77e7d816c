// T9: a token used for what it was not made for. Elsewhere a refresh token passed as an access token, a reset link as a
// sign-in, or one person's token for another person's session. Here a value is good in one place, for one person.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { ACCESS, REFRESH } from '../helpers/cookie-jar.ts';
import {
  challengeFor,
  codeOf,
  Device,
  enrolPasskey,
  enrolTotp,
  passkeyOptions,
  secondStep,
} from '../helpers/factors.ts';
import { magicLink, mailTo, post, resetToken, signUp, tokenFor, tokenIn } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

let service: TestApp;
let ada: Person;
let bob: Person;
let admin: Person;
let values: Record<string, string>;
let secret: string;
let challengeOf: () => Promise<string>;
const device = new Device();
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
  [ada, bob, admin] = [await person(service), await person(service), await person(service, { roles: ['admin'] })];
  for (const owner of [ada, ada, bob, bob]) await signIn(service, owner.email);
  const owner = await person(service);
  ({ secret } = await enrolTotp(owner));
  challengeOf = () => challengeFor(service, owner.email);
  await enrolPasskey(owner, device);
  const cursorOf = async (who: Person, url: string) => (await who.call('GET', url)).json().nextCursor;
  values = {
    'an access token': ada.accessToken,
    'a refresh token': ada.refreshToken,
    'a session id': ada.sessionId,
    'an account id': ada.id,
    'a cursor of sessions': await cursorOf(ada, '/v1/sessions?limit=1'),
    'a cursor of accounts': await cursorOf(admin, '/v1/admin/users?limit=1'),
    // Each of an account of its own, as the use of one may end the others.
    'a verification': await tokenFor(service, (await signUp(service)).email, 'verify-email'),
    'a rejection': tokenIn((await mailTo(service, (await signUp(service)).email, 'verify-email')).rejectLink),
    'a reset': await resetToken(service, (await signUp(service)).email),
    'a change of email': await emailChange(await person(service)),
    'a magic link': (await magicLink(service, (await signUp(service)).email)).token,
    'a challenge of the second step': await challengeOf(),
    'a challenge of a passkey': (await passkeyOptions(service)).challenge,
    'a challenge of a new passkey': (await owner.call('POST', '/v1/users/me/passkeys/options')).json().challenge,
  };
});
afterAll(() => service.close());

const byCookie = (method: 'GET' | 'POST', url: string, cookie: string) =>
  call(service, method, url, method === 'POST' ? {} : undefined, {
    headers: { cookie, origin: service.config.PUBLIC_URL },
  });

async function emailChange(who: Person): Promise<string> {
  const email = freshEmail('next');
  await who.call('PUT', '/v1/users/me/email', { email });
  return tokenFor(service, email, 'confirm-new-email');
}

/** Where a mailed token is used; each with what else would be needed, so that the token alone decides. */
const mailed = (own: string, url: string, more: object = {}): Place => [
  own,
  own,
  async (token) => outcome(await post(service, url, { token, ...more })),
  ['401 invalid-code', '400 validation-failed'],
];

type Place = [place: string, own: string, use: (value: string) => Promise<string>, refusals: string[]];

const PLACES: Place[] = [
  ['an access token', 'an access token', async (value) => outcome(await whoAmI(service, value)), ['401 invalid-token']],
  [
    'an access cookie',
    'an access token',
    async (value) => outcome(await byCookie('GET', '/v1/users/me', `${ACCESS}=${value}; ${REFRESH}=${value}`)),
    ['401 invalid-token'],
  ],
  [
    'a refresh cookie',
    'a refresh token',
    async (value) => outcome(await byCookie('POST', '/v1/sessions/refresh', `${ACCESS}=${value}; ${REFRESH}=${value}`)),
    ['401 invalid-token'],
  ],
  [
    'a refresh token',
    'a refresh token',
    async (value) => outcome(await refresh(service, value)),
    ['401 invalid-token', '400 validation-failed'],
  ],
  [
    'a session id',
    'a session id',
    async (value) => outcome(await bob.call('DELETE', `/v1/sessions/${value}`)),
    ['404 not-found', '400 validation-failed', '414 uri-too-long'],
  ],
  [
    'a cursor of sessions',
    'a cursor of sessions',
    async (value) => outcome(await ada.call('GET', '/v1/sessions', undefined, { query: { cursor: value } })),
    ['400 invalid-cursor'],
  ],
  [
    'a cursor of accounts',
    'a cursor of accounts',
    async (value) => outcome(await admin.call('GET', '/v1/admin/users', undefined, { query: { cursor: value } })),
    ['400 invalid-cursor'],
  ],
  mailed('a verification', '/v1/email-verifications/confirm', { password: PASSWORD }),
  mailed('a rejection', '/v1/email-verifications/reject'),
  mailed('a magic link', '/v1/sessions/magic-link/confirm'),
  mailed('a change of email', '/v1/email-changes/confirm', { password: PASSWORD }),
  mailed('a reset', '/v1/password-resets/confirm', { newPassword: 'an entirely new pass phrase' }),
  [
    'a challenge of the second step',
    'a challenge of the second step',
    async (value) => outcome(await secondStep(service, value, 'totp', codeOf(secret))),
    ['401 invalid-token', '400 validation-failed'],
  ],
  [
    'a challenge of a passkey',
    'a challenge of a passkey',
    async (value) => {
      // What is no base64url cannot be signed as it is.
      const challenge = /^[\w-]+$/.test(value) ? value : Buffer.from(value).toString('base64url');
      const assertion = device.get({ ...(await passkeyOptions(service)), challenge });
      return outcome(await call(service, 'POST', '/v1/sessions/passkey', { assertion }));
    },
    ['401 invalid-passkey'],
  ],
];

describe.each(PLACES)('in the place of %s', (_place, own, use, refusals) => {
  it('no other value is taken', async () => {
    for (const [name, value] of Object.entries(values))
      if (name !== own) expect(await use(value), name).toBeOneOf(refusals);
  });
});

it('each value is good in its own place', async () => {
  const good = Object.fromEntries(
    await Promise.all(PLACES.map(async ([, own, use]) => [own, await use(values[own] ?? '')] as const)),
  );
  expect(good).toEqual({
    'an access token': '200',
    'a refresh token': '200',
    // Good for its owner; Bob is not.
    'a session id': '404 not-found',
    'a cursor of sessions': '200',
    'a cursor of accounts': '200',
    'a verification': '200',
    'a rejection': '204',
    'a magic link': '201',
    'a change of email': '200',
    'a reset': '204',
    'a challenge of the second step': '201',
    'a challenge of a passkey': '201',
  });
});

it('a cursor of one person, filter or order is no cursor of another', async () => {
  const sessions = { cursor: values['a cursor of sessions'] ?? '' };
  const shown = (await bob.call('GET', '/v1/sessions', undefined, { query: sessions })).json();
  const own = (await bob.call('GET', '/v1/sessions')).json().items.map(({ id }: { id: string }) => id);
  for (const { id } of shown.items) expect(own).toContain(id);
  for (const other of [{ sort: 'email' }, { status: 'active' }, { q: 'a' }]) {
    const query = { cursor: values['a cursor of accounts'] ?? '', ...other };
    expect(outcome(await admin.call('GET', '/v1/admin/users', undefined, { query }))).toBe('400 invalid-cursor');
  }
});

it('the secret of one session opens no other', async () => {
  const [mine, theirs] = [await signIn(service, ada.email), await signIn(service, bob.email)];
  const [from, to] = [Buffer.from(mine.refreshToken, 'base64url'), Buffer.from(theirs.refreshToken, 'base64url')];
  const spliced = Buffer.concat([to.subarray(0, 16), from.subarray(16)]).toString('base64url');
  expect(outcome(await refresh(service, spliced))).toBe('401 invalid-token');
  expect((await refresh(service, theirs.refreshToken)).statusCode).toBe(200);
});

it('an idempotency key of one person replays nothing to another', async () => {
  const deputy = await person(service, { roles: ['admin'] });
  const suspend = (who: Person, reason: string) =>
    who.call('POST', `/v1/admin/users/${bob.id}/suspend`, { reason }, { headers: { 'idempotency-key': 'k' } });
  expect(outcome(await suspend(admin, 'x'))).toBe('200');
  const other = await suspend(deputy, 'x');
  expect(other.headers).not.toHaveProperty('idempotency-replayed');
  expect(outcome(other)).toBe('409 invalid-status');
});
