// T1: a session that outlives its sign-out. Elsewhere stateless tokens stayed valid until they expired, or a cache of
// one instance went on believing what another had revoked. Here nothing of an ended session works, on any instance,
// from the next request on.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Browser, browserSignIn, openBrowser } from '../helpers/cookie-jar.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let ada: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  ada = await person(here);
});
afterAll(() => here.close());

const WAYS: [string, (phone: Person) => Promise<unknown>][] = [
  ['signs out', (phone) => phone.call('DELETE', '/v1/sessions/current')],
  [
    'is ended from another device',
    (phone) => ada.call('DELETE', `/v1/sessions/${phone.sessionId}`, undefined, { on: there }),
  ],
  ['is ended with all others', (phone) => phone.call('DELETE', '/v1/sessions', undefined, { on: there })],
];

it.each(WAYS)('a session that %s is dead everywhere', async (_way, end) => {
  const phone = await signIn(here, ada.email);
  const { accessToken, refreshToken } = (await refresh(there, phone.refreshToken)).json();
  // Both instances have verified both tokens before, so that one which trusted its memory would be found out.
  for (const instance of [here, there])
    for (const token of [phone.accessToken, accessToken]) expect((await whoAmI(instance, token)).statusCode).toBe(200);

  await end(phone);

  for (const instance of [here, there]) {
    for (const token of [phone.accessToken, accessToken])
      expect(outcome(await whoAmI(instance, token))).toBe('401 invalid-token');
    for (const token of [phone.refreshToken, refreshToken])
      expect(outcome(await refresh(instance, token))).toBe('401 invalid-token');
  }
});

const BROWSER_WAYS: [string, (browser: Browser, sessionId: string) => Promise<unknown>][] = [
  ['signs out', (browser) => browser.call('DELETE', '/v1/sessions/current')],
  ['is ended from another device', (_browser, sessionId) => ada.call('DELETE', `/v1/sessions/${sessionId}`)],
  ['is ended with all others', (browser) => browser.call('DELETE', '/v1/sessions', undefined, { on: there })],
];

it.each(BROWSER_WAYS)(
  'a session of a browser that %s is dead everywhere, if its cookies were kept',
  async (_way, end) => {
    ada = await signIn(here, ada.email);
    const { browser, sessionId } = await browserSignIn(here, ada.email);
    const cookies = [new Map(browser.cookies)];
    await browser.call('POST', '/v1/sessions/refresh', {}, { on: there });
    cookies.push(new Map(browser.cookies));
    const inTurn = async (method: 'GET' | 'POST', url: string, kept: Map<string, string>, on: TestApp) => {
      const copy = openBrowser(on);
      for (const [name, value] of kept) copy.cookies.set(name, value);
      return outcome(await copy.call(method, url, method === 'POST' ? {} : undefined));
    };
    for (const instance of [here, there])
      for (const kept of cookies) expect(await inTurn('GET', '/v1/users/me', kept, instance)).toBe('200');

    await end(browser, sessionId);

    for (const instance of [here, there])
      for (const kept of cookies) {
        expect(await inTurn('GET', '/v1/users/me', kept, instance)).toBe('401 invalid-token');
        expect(await inTurn('POST', '/v1/sessions/refresh', kept, instance)).toBe('401 invalid-token');
      }
  },
);

it('the other sessions of the account go on', async () => {
  const [phone, tablet] = [await signIn(here, ada.email), await signIn(here, ada.email)];
  await phone.call('DELETE', '/v1/sessions/current');
  expect((await whoAmI(there, tablet.accessToken)).statusCode).toBe(200);
  const listed = (await tablet.call('GET', '/v1/sessions')).json().items.map(({ id }: { id: string }) => id);
  expect(listed).toContain(tablet.sessionId);
  expect(listed).not.toContain(phone.sessionId);
});
