// T10: a session that was in the browser before. Elsewhere one that somebody had left there, or planted, went on under the
// next person who signed in, or lived on unseen beside the new one (session fixation). Here signing in by cookie ends what
// the browser brings along, in the same transaction.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf } from '../helpers/commands.ts';
import { ACCESS, browserSignIn, cookieHeader, openBrowser, REFRESH } from '../helpers/cookie-jar.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person } from '../helpers/people.ts';

const OWN = 'https://accounts.example.com';

let here: TestApp;
let there: TestApp;
let ada: Person;
let bob: Person;
beforeAll(async () => {
  here = await buildTestApp({ PUBLIC_URL: OWN });
  there = await here.another();
  [ada, bob] = [await person(here), await person(here)];
});
afterAll(() => here.close());

describe('signing in', () => {
  const sessionEnded = (sessionId: string) =>
    AuditEvent.find({ action: 'session.ended', 'target.id': sessionId }).lean();

  it.each([
    ['both cookies', [ACCESS, REFRESH]],
    ['the access cookie alone', [ACCESS]],
    ['the refresh cookie alone', [REFRESH]],
  ])('ends the session that the browser brings along, whoever’s it is: %s', async (_what, kept) => {
    for (const [before, after] of [
      [ada, ada],
      [ada, bob],
    ] as const) {
      const { browser, sessionId } = await browserSignIn(here, before.email);
      for (const name of browser.cookies.keys()) if (!kept.includes(name)) browser.cookies.delete(name);
      const left = new Map(browser.cookies);
      const next = await browserSignIn(there, after.email, { browser });

      expect(next.sessionId).not.toBe(sessionId);
      expect((await browser.call('GET', '/v1/users/me')).json().id).toBe(after.id);
      expect(await Session.exists({ _id: sessionId })).toBeNull();
      expect(await sessionEnded(sessionId)).toMatchObject([{ outcome: 'success', actor: { type: 'user' } }]);
      expect(String((await sessionEnded(sessionId))[0]?.actor.id)).toBe(before.id);
      for (const instance of [here, there]) {
        const headers = { cookie: cookieHeader(left), origin: OWN };
        expect((await call(instance, 'GET', '/v1/users/me', undefined, { headers })).statusCode).toBe(401);
        expect((await call(instance, 'POST', '/v1/sessions/refresh', {}, { headers })).statusCode).toBeOneOf([
          400, 401,
        ]);
      }
    }
  });

  it('ends it by an earlier refresh token too, and takes that for no reuse', async () => {
    const { browser, sessionId } = await browserSignIn(here, ada.email);
    const earlier = new Map(browser.cookies);
    for (let n = 0; n < 2; n++) await browser.call('POST', '/v1/sessions/refresh', {});
    browser.cookies.clear();
    browser.cookies.set(REFRESH, earlier.get(REFRESH) ?? '');
    await browserSignIn(there, ada.email, { browser });
    expect(await Session.exists({ _id: sessionId })).toBeNull();
    expect(await AuditEvent.exists({ action: 'session.reused', 'target.id': sessionId })).toBeNull();
  });

  it('ends nothing before it has succeeded', async () => {
    const { browser, sessionId } = await browserSignIn(here, ada.email);
    const { email } = await person(here);
    await User.updateOne({ email }, { $set: { secondFactors: ['totp'] } });
    for (const attempt of [
      { email: ada.email, password: 'wrong' },
      { email: 'nobody@example.com', password: PASSWORD },
      { email, password: PASSWORD },
    ]) {
      const answer = await browser.call('POST', '/v1/sessions', { ...attempt, transport: 'cookie' });
      expect(outcome(answer)).toBeOneOf(['401 invalid-credentials', '401 mfa-required']);
    }
    expect(await Session.exists({ _id: sessionId })).not.toBeNull();
    expect(outcome(await browser.call('GET', '/v1/users/me'))).toBe('200');
  });

  it('ends nobody’s session by a cookie that proves nothing', async () => {
    const victim = await browserSignIn(here, bob.email);
    const [access = '', refreshToken = ''] = [ACCESS, REFRESH].map((name) => victim.browser.cookies.get(name));
    const own = (await browserSignIn(here, ada.email)).browser.cookies;
    const bytes = Buffer.from(refreshToken, 'base64url');
    bytes.set(Buffer.from(own.get(REFRESH) ?? '', 'base64url').subarray(16), 16);
    const forged = [
      [access.replace(/[^.]+$/, (own.get(ACCESS) ?? '').split('.')[2] ?? ''), bytes.toString('base64url')],
      [refreshToken, access],
      [victim.sessionId, victim.sessionId],
    ];
    for (const [first = '', second = ''] of forged) {
      const browser = openBrowser(here);
      browser.cookies.set(ACCESS, first).set(REFRESH, second);
      await browserSignIn(here, ada.email, { browser });
      expect(outcome(await victim.browser.call('GET', '/v1/users/me'))).toBe('200');
    }
  });

  it('leaves nothing half done: the old session ends in the transaction that opens the new one', async () => {
    const { browser, sessionId } = await browserSignIn(here, ada.email);
    const requestId = 'request-that-signs-in-again';
    const body = { email: bob.email, password: PASSWORD, transport: 'cookie' };
    const headers = { 'x-request-id': requestId };
    const names = await commandsOf(() => browser.call('POST', '/v1/sessions', body, { headers }));
    const [start, commit] = [names.indexOf('insert sessions'), names.findIndex((name) => name.startsWith('commit'))];
    expect(names.slice(start, commit)).toContain('delete sessions');
    const told = await AuditEvent.find({ requestId }).sort({ _id: 1 }).lean();
    expect(told.map(({ action, target }) => [action, String(target.id)])).toEqual([
      ['session.created', bob.id],
      ['session.ended', sessionId],
    ]);
  });
});
