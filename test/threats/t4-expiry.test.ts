// T4: expiry that was left to a TTL index or to a cache. A TTL index removes up to a minute late, more under load, and a
// cache knows no clock: elsewhere expired sessions, keys and links went on working meanwhile. Here whatever expires is
// compared with the clock when it is used. No document is removed in this file: the clock of the service moves.

import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { SigningKey } from '../../src/models/signing-key.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let here: TestApp;
let there: TestApp;
let ada: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  ada = await person(here);
});
afterEach(() => vi.useRealTimers());
afterAll(() => here.close());

const later = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
const past = () => new Date(Date.now() - 1);

it('an access token ends after ten minutes, also where it was verified before', async () => {
  expect((await whoAmI(here, ada.accessToken)).statusCode).toBe(200);
  later(10 * MINUTE_MS + 1_000);
  for (const instance of [here, there])
    expect(outcome(await whoAmI(instance, ada.accessToken))).toBe('401 invalid-token');
});

it.each(['idleExpiresAt', 'expiresAt'])('a session past its %s is over, though it is still stored', async (limit) => {
  const phone = await signIn(here, ada.email);
  await Session.updateOne({ _id: phone.sessionId }, { $set: { [limit]: new Date(Date.now() + 5 * MINUTE_MS) } });
  expect((await whoAmI(here, phone.accessToken)).statusCode).toBe(200);
  const shown = async () => {
    const { accessToken } = await signIn(here, ada.email);
    const headers = { authorization: `Bearer ${accessToken}` };
    const { items } = (await call(here, 'GET', '/v1/sessions', undefined, { headers })).json();
    return items.map(({ id }: { id: string }) => id).includes(phone.sessionId);
  };
  expect(await shown()).toBe(true);

  later(5 * MINUTE_MS + 1_000);
  for (const instance of [here, there]) {
    expect(outcome(await whoAmI(instance, phone.accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(instance, phone.refreshToken))).toBe('401 invalid-token');
  }
  expect(await shown()).toBe(false);
  expect(await Session.exists({ _id: phone.sessionId })).not.toBeNull();
});

it('a signing key ends with the last token that it signed, also in memory', async () => {
  const { kid, privateKey } = await here.deps.signingKeys.current();
  const signedNow = () =>
    new SignJWT({ sid: ada.sessionId, roles: ['user'], amr: ['pwd'] })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
      .setSubject(ada.id)
      .setIssuer(here.config.PUBLIC_URL)
      .setAudience(here.config.PUBLIC_URL)
      .setExpirationTime(Math.floor(Date.now() / 1000) + 600)
      .sign(privateKey);
  await SigningKey.updateOne({ _id: kid }, { $set: { activatesAt: new Date(Date.now() - 28 * DAY_MS) } });
  expect(await here.deps.signingKeys.rotate()).toBe(true);
  expect(await there.deps.signingKeys.rotate()).toBe(false);

  // The next one has taken over, and a token of this one may live on for ten minutes, give or take a clock.
  later(2 * DAY_MS + 10 * MINUTE_MS);
  for (const instance of [here, there]) expect(outcome(await whoAmI(instance, await signedNow()))).toBe('200');

  later(6 * MINUTE_MS);
  // What a thief of the old key would sign now.
  for (const instance of [here, there])
    expect(outcome(await whoAmI(instance, await signedNow()))).toBe('401 invalid-token');
  expect(await SigningKey.exists({ _id: kid })).not.toBeNull();
});

it('an answer that was kept for a replay is not given after a day', async () => {
  const body = { email: freshEmail(), password: PASSWORD };
  const signUp = () => call(here, 'POST', '/v1/users', body, { headers: { 'idempotency-key': 'a-key' } });
  expect(outcome(await signUp())).toBe('201');
  expect((await signUp()).headers['idempotency-replayed']).toBe('true');
  later(DAY_MS + 1_000);
  expect(outcome(await signUp())).toBe('409 email-taken');
});

it('a deleted account is not restored after its time', async () => {
  const admin = await person(here, { roles: ['admin'] });
  const gone = await person(here);
  await gone.call('DELETE', '/v1/users/me');
  await User.updateOne({ _id: gone.id }, { $set: { purgeAt: past() } });
  const restored = await admin.call('POST', `/v1/admin/users/${gone.id}/restore`, { reason: 'please' });
  expect(outcome(restored)).toBe('409 restore-period-over');
});
