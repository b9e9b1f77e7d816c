// T10: tokens in browsers. Elsewhere a cookie could be read by any script, planted by a neighbouring host, sent in clear or
// along with requests of other sites. Here tokens of browsers are `__Host-` cookies that no script sees, and they are in no
// answer.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { browserSignIn, openBrowser } from '../helpers/cookie-jar.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person, refresh, whoAmI } from '../helpers/people.ts';

const OWN = 'https://accounts.example.com';

let here: TestApp;
let there: TestApp;
let ada: Person;
beforeAll(async () => {
  here = await buildTestApp({ PUBLIC_URL: OWN });
  there = await here.another();
  ada = await person(here);
});
afterAll(() => here.close());

describe('the cookies', () => {
  const setCookies = (value: unknown): string[] => [value ?? []].flat().map(String);
  const ATTRIBUTES = 'Path=/; HttpOnly; Secure; SameSite=Lax';

  it('are bound to this host, hidden from scripts, kept from other sites, and end with what they hold', async () => {
    const browser = openBrowser(here);
    const body = { email: ada.email, password: PASSWORD, transport: 'cookie' };
    const signedIn = await browser.call('POST', '/v1/sessions', body);
    const refreshed = await browser.call('POST', '/v1/sessions/refresh', {}, { on: there });
    expect([signedIn.statusCode, refreshed.statusCode]).toEqual([201, 200]);
    for (const { headers } of [signedIn, refreshed])
      expect(setCookies(headers['set-cookie'])).toEqual([
        expect.stringMatching(
          new RegExp(`^__Host-roster-access=[\\w-]+\\.[\\w-]+\\.[\\w-]+; Max-Age=600; ${ATTRIBUTES}$`),
        ),
        expect.stringMatching(new RegExp(`^__Host-roster-refresh=[\\w-]{64}; Max-Age=2592000; ${ATTRIBUTES}$`)),
      ]);
  });

  it('are the only place where the tokens are', async () => {
    const browser = openBrowser(here);
    const body = { email: ada.email, password: PASSWORD, transport: 'cookie' };
    const answers = [
      await browser.call('POST', '/v1/sessions', body),
      await browser.call('POST', '/v1/sessions/refresh', {}),
      await browser.call('POST', '/v1/sessions/refresh'),
    ];
    for (const answer of answers) {
      expect(answer.json()).not.toHaveProperty('accessToken');
      expect(answer.json()).not.toHaveProperty('refreshToken');
      for (const { value } of answers.flatMap(({ cookies }) => cookies)) expect(answer.body).not.toContain(value);
    }
  });

  it('are set for nobody who has not asked', async () => {
    const answers = [
      await call(here, 'POST', '/v1/sessions', { email: ada.email, password: PASSWORD }),
      await call(here, 'POST', '/v1/sessions', { email: ada.email, password: PASSWORD, transport: 'token' }),
      await refresh(here, (await person(here)).refreshToken),
      await openBrowser(here).call('POST', '/v1/sessions', { email: ada.email, password: 'no', transport: 'cookie' }),
    ];
    for (const { headers } of answers) expect(headers).not.toHaveProperty('set-cookie');
  });

  it('are gone from the browser after it has signed out, in every way', async () => {
    const ways = ['/v1/sessions/current', '/v1/sessions', '/v1/sessions/:id', '/v1/users/me'];
    for (const way of ways) {
      const { browser, sessionId } = await browserSignIn(here, (await person(here)).email);
      const answer = await browser.call('DELETE', way.replace(':id', sessionId), undefined, { on: there });
      expect(answer.statusCode, way).toBe(204);
      for (const cookie of setCookies(answer.headers['set-cookie']))
        expect(cookie).toMatch(
          /^__Host-roster-(access|refresh)=; Max-Age=0; Path=\/; Expires=.*1970.*; HttpOnly; Secure;/,
        );
      expect(browser.cookies.size, way).toBe(0);
    }
  });

  it('stay where another session is ended', async () => {
    const { browser } = await browserSignIn(here, ada.email);
    const other = await browserSignIn(here, ada.email);
    await browser.call('DELETE', `/v1/sessions/${other.sessionId}`);
    expect(browser.cookies.size).toBe(2);
    // The header says who calls, so it is its session that ends, and the cookies are of another one.
    const phone = await person(here);
    const ended = await browser.call('DELETE', '/v1/sessions/current', undefined, { headers: phone.headers });
    expect([ended.statusCode, browser.cookies.size]).toEqual([204, 2]);
    expect(outcome(await whoAmI(here, phone.accessToken))).toBe('401 invalid-token');
    expect(outcome(await browser.call('GET', '/v1/users/me'))).toBe('200');
  });

  it('are refused where a browser would send them in clear', async () => {
    const open = await here.another({ PUBLIC_URL: 'http://accounts.example.com' });
    const body = { email: ada.email, password: PASSWORD, transport: 'cookie' };
    const answer = await openBrowser(open).call('POST', '/v1/sessions', body);
    expect([answer.statusCode, answer.json().errors]).toEqual([
      400,
      [{ pointer: '/transport', code: 'not-allowed', detail: expect.stringContaining('HTTPS') }],
    ]);
    const local = await here.another({ PUBLIC_URL: 'http://localhost:3000' });
    expect(outcome(await openBrowser(local).call('POST', '/v1/sessions', body))).toBe('201');
  });
});
