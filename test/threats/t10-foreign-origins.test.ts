// T10: a page elsewhere that has a browser send its cookies. Elsewhere it changed the account of whoever looked at it, or
// signed them in to the attacker's. Here an unsafe request that a cookie decides about, or that asks for cookies, comes from
// an origin of the configuration, or it is refused before anything is done (OWASP, cross-site request forgery).

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf, withCommands } from '../helpers/commands.ts';
import { type Browser, browserSignIn, cookieHeader } from '../helpers/cookie-jar.ts';
import { ID_OF_NOTHING, operationsOf } from '../helpers/operations.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person } from '../helpers/people.ts';

const OWN = 'https://accounts.example.com';
const LISTED = 'https://app.example.com';

let here: TestApp;
let there: TestApp;
let ada: Person;
let bob: Person;
/** Signed in, with every permission. */
let admin: Browser;
let adminSession: string;
beforeAll(async () => {
  here = await buildTestApp({ PUBLIC_URL: OWN, CORS_ORIGINS: LISTED });
  there = await here.another();
  [ada, bob] = [await person(here), await person(here)];
  const { email } = await person(here, { roles: ['admin'] });
  ({ browser: admin, sessionId: adminSession } = await browserSignIn(here, email));
});
// What answers have put off is no command of the next request.
afterEach(() => here.app.settled());
afterAll(() => here.close());

/** What a page elsewhere makes a browser say, and what somebody sends who wants to pass for one of ours. */
const FOREIGN: [string, Record<string, string>][] = [
  ['another site', { origin: 'https://evil.example' }],
  ['another site that says to be this one', { origin: 'https://evil.example', host: 'evil.example' }],
  ['a sandboxed page', { origin: 'null' }],
  ['a neighbouring host', { origin: 'https://other.example.com' }],
  ['a host below', { origin: `https://evil.${new URL(OWN).host}` }],
  ['a host that begins alike', { origin: `${OWN}.evil.example` }],
  ['another port', { origin: `${OWN}:8443` }],
  ['plain HTTP', { origin: OWN.replace('https', 'http') }],
  ['a path behind the origin', { origin: `${OWN}/` }],
  ['two origins', { origin: `${OWN}, https://evil.example` }],
  ['an empty origin', { origin: '' }],
  ['a foreign origin and a good site', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }],
  ['no origin', {}],
  ['no origin, but a referrer', { referer: `${OWN}/docs` }],
  ['no origin and another site', { 'sec-fetch-site': 'cross-site' }],
  ['no origin and a neighbouring host', { 'sec-fetch-site': 'same-site' }],
  ['no origin and no page', { 'sec-fetch-site': 'none' }],
];

const HOME: [string, Record<string, string>][] = [
  ['the service', { origin: OWN }],
  ['an origin of the list', { origin: LISTED }],
  ['the service, with its origin lost on the way', { 'sec-fetch-site': 'same-origin' }],
];

const SAFE = ['GET', 'HEAD', 'OPTIONS'];

describe('a request from elsewhere', () => {
  it.each(FOREIGN)('is refused on every unsafe route before anything is done: %s', async (_what, headers) => {
    const routes = here.app.routeTable.filter(({ method, access }) => access !== 'public' && !SAFE.includes(method));
    expect(routes.length).toBeGreaterThan(8);
    const cookie = cookieHeader(admin.cookies);
    const sent = await commandsOf(async () => {
      for (const { method, url } of routes) {
        const path = url.replace(/:\w+/g, ID_OF_NOTHING);
        const answer = await here.app.inject({ method: method as 'POST', url: path, headers: { ...headers, cookie } });
        expect(outcome(answer), `${method} ${url}`).toBe('403 foreign-origin');
      }
    });
    expect(sent).toEqual([]);
  });

  it.each(FOREIGN)('is nobody’s on every public route: no session is looked up for it: %s', async (_what, headers) => {
    const routes = operationsOf(here).filter(({ signedIn, method }) => !signedIn && !SAFE.includes(method));
    expect(routes.map(({ name }) => name)).toEqual(expect.arrayContaining(['POST /v1/users', 'POST /v1/sessions']));
    const cookie = cookieHeader(admin.cookies);
    for (const { method, url, body, name } of routes) {
      const { sent } = await withCommands(() => call(here, method, url, body, { headers: { ...headers, cookie } }));
      expect(JSON.stringify(sent), name).not.toContain(adminSession);
    }
  });

  it.each(FOREIGN)('opens no session by cookie, by any way to sign in: %s', async (_what, headers) => {
    const ways = operationsOf(here).filter(({ textPlaces }) =>
      textPlaces.some(({ pointer }) => pointer === '/transport'),
    );
    expect(ways.map(({ name }) => name)).toContain('POST /v1/sessions');
    for (const { method, url, body, name } of ways) {
      const asked = { ...body, ...('email' in (body ?? {}) && { email: ada.email, password: PASSWORD }) };
      const answers: unknown[] = [];
      const sent = await commandsOf(async () => {
        const answer = await call(here, method, url, { ...asked, transport: 'cookie' }, { headers });
        answers.push([outcome(answer), answer.headers['set-cookie']]);
      });
      expect(answers, name).toEqual([['403 foreign-origin', undefined]]);
      expect(sent, name).toEqual(['findAndModify rate_limits']);
    }
  });

  it.each(FOREIGN)('refreshes nothing: %s', async (_what, headers) => {
    const cookie = cookieHeader(admin.cookies);
    const sent = await commandsOf(async () => {
      const answer = await call(here, 'POST', '/v1/sessions/refresh', {}, { headers: { ...headers, cookie } });
      expect([outcome(answer), answer.headers['set-cookie']]).toEqual(['403 foreign-origin', undefined]);
    });
    expect(sent).toEqual(['findAndModify rate_limits']);
    expect(outcome(await admin.call('POST', '/v1/sessions/refresh', {}))).toBe('200');
  });

  it('is no way to plant a session: what was signed in stays', async () => {
    const body = { email: bob.email, password: PASSWORD, transport: 'cookie' };
    const planted = await admin.call('POST', '/v1/sessions', body, { headers: { origin: 'https://evil.example' } });
    expect(outcome(planted)).toBe('403 foreign-origin');
    expect((await admin.call('GET', '/v1/users/me')).json().roles).toEqual(['admin']);
  });

  it('may read, which its browser keeps from it', async () => {
    const headers = { origin: 'https://evil.example', cookie: cookieHeader(admin.cookies) };
    const answer = await call(here, 'GET', '/v1/users/me', undefined, { headers });
    expect(answer.statusCode).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const own = await call(here, 'GET', '/v1/users/me', undefined, { headers: { ...headers, origin: LISTED } });
    expect(own.headers).toMatchObject({
      'access-control-allow-origin': LISTED,
      'access-control-allow-credentials': 'true',
    });
  });

  it('is taken with a bearer token, which no browser sends by itself', async () => {
    const headers = { ...ada.headers, origin: 'https://evil.example' };
    const answer = await call(here, 'PATCH', '/v1/users/me', { firstName: 'Ada' }, { headers });
    expect(outcome(answer)).toBe('200');
  });
});

it.each(HOME)('a request from home is taken, on all instances: %s', async (_what, headers) => {
  for (const [first, second] of [
    [here, there],
    [there, here],
  ] as const) {
    const body = { email: ada.email, password: PASSWORD, transport: 'cookie' };
    const signedIn = await call(first, 'POST', '/v1/sessions', body, { headers });
    expect(outcome(signedIn)).toBe('201');
    const cookie = cookieHeader(new Map(signedIn.cookies.map(({ name, value }) => [name, value])));
    const withCookie = { headers: { ...headers, cookie } };
    expect(outcome(await call(second, 'PATCH', '/v1/users/me', { firstName: 'Ada' }, withCookie))).toBe('200');
    expect(outcome(await call(second, 'POST', '/v1/sessions/refresh', {}, withCookie))).toBe('200');
    expect(outcome(await call(second, 'DELETE', '/v1/sessions/current', undefined, withCookie))).toBe('204');
  }
});
