// T7: a session without end. Elsewhere each refresh renewed the whole lifetime, so that a stolen session lived for ever;
// or being idle was measured by requests that anybody could send. Here a session ends when it was not refreshed for
// SESSION_IDLE_SECONDS, and SESSION_LIFETIME_SECONDS after the sign-in whatever was done meanwhile.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { ACCESS, browserSignIn, REFRESH } from '../helpers/cookie-jar.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

const MINUTE_MS = 60_000;

let here: TestApp;
let there: TestApp;
let ada: Person;
beforeAll(async () => {
  here = await buildTestApp({ SESSION_IDLE_SECONDS: '3600', SESSION_LIFETIME_SECONDS: '10800' });
  there = await here.another();
  ada = await person(here);
});
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }));
afterEach(() => vi.useRealTimers());
afterAll(() => here.close());

const pass = (minutes: number) => vi.setSystemTime(Date.now() + minutes * MINUTE_MS);

it('an idle session ends', async () => {
  const phone = await signIn(here, ada.email);
  pass(59);
  const kept = await refresh(there, phone.refreshToken);
  expect(kept.statusCode).toBe(200);
  expect(Date.parse(kept.json().refreshTokenExpiresAt)).toBe(Date.now() + 60 * MINUTE_MS);
  // Requests alone keep no session awake: whoever holds an access token would prolong it by using it.
  pass(9);
  expect((await whoAmI(there, kept.json().accessToken)).statusCode).toBe(200);
  pass(51.1);
  for (const instance of [here, there])
    expect(outcome(await refresh(instance, kept.json().refreshToken))).toBe('401 invalid-token');
});

it('a session that is refreshed all the time ends all the same', async () => {
  const phone = await signIn(here, ada.email);
  const end = Date.now() + 180 * MINUTE_MS;
  let last = { accessToken: phone.accessToken, refreshToken: phone.refreshToken, refreshTokenExpiresAt: '' };
  for (const instance of [here, there, here]) {
    pass(55);
    last = (await refresh(instance, last.refreshToken)).json();
  }
  expect(Date.parse(last.refreshTokenExpiresAt)).toBeLessThanOrEqual(end);
  pass(14);
  last = (await refresh(there, last.refreshToken)).json();
  expect((await whoAmI(here, last.accessToken)).statusCode).toBe(200);
  vi.setSystemTime(end + 1);
  for (const instance of [here, there]) {
    // Its access token is two minutes old: it does not outlive the session either.
    expect(outcome(await whoAmI(instance, last.accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(instance, last.refreshToken))).toBe('401 invalid-token');
  }
});

it('cookies last as long as what they hold, and keep no session alive', async () => {
  const { browser } = await browserSignIn(here, ada.email);
  const end = Date.now() + 180 * MINUTE_MS;
  const refreshed = (on: TestApp) => browser.call('POST', '/v1/sessions/refresh', {}, { on });
  const course = [
    [here, 55, 60],
    [there, 55, 60],
    [here, 50, 20],
  ] as const;
  for (const [instance, after, minutesLeft] of course) {
    pass(after);
    const { cookies } = await refreshed(instance);
    expect(cookies.map(({ name, maxAge }) => [name, maxAge])).toEqual([
      [ACCESS, 600],
      [REFRESH, minutesLeft * 60],
    ]);
  }
  const kept = new Map(browser.cookies);
  vi.setSystemTime(end + 1);
  for (const instance of [here, there]) {
    for (const [name, value] of kept) browser.cookies.set(name, value);
    expect(outcome(await browser.call('GET', '/v1/users/me', undefined, { on: instance }))).toBe('401 invalid-token');
    expect(outcome(await refreshed(instance))).toBe('401 invalid-token');
  }
});

it('an idle browser is signed out', async () => {
  const { browser } = await browserSignIn(here, ada.email);
  pass(60.1);
  for (const on of [here, there])
    expect(outcome(await browser.call('POST', '/v1/sessions/refresh', {}, { on }))).toBe('401 invalid-token');
});

it('lifetimes are as long as they are told to be, and not a default', async () => {
  const phone = await signIn(here, ada.email);
  const { session } = (await refresh(here, phone.refreshToken)).json();
  expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(180 * MINUTE_MS);
});
