import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { browserSignIn, openBrowser, REFRESH } from '../helpers/cookie-jar.ts';
import { call, PASSWORD, person, signIn } from '../helpers/people.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

describe('POST /v1/sessions', () => {
  it('answers with the session, its owner and its tokens', async () => {
    const { email, id } = await person(service);
    const response = await call(service, 'POST', '/v1/sessions', { email, password: PASSWORD });
    expect(response.statusCode).toBe(201);
    const body = response.json();
    expect(body).toEqual({
      session: expect.objectContaining({ current: true, authenticationMethods: ['pwd'] }),
      user: expect.objectContaining({ id, email }),
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      accessTokenExpiresAt: expect.any(String),
      refreshToken: expect.stringMatching(/^[\w-]{64}$/),
      refreshTokenExpiresAt: expect.any(String),
      deviceToken: expect.stringMatching(/^[\w-]{70}$/),
    });
    expect(response.headers['location']).toBe(`/v1/sessions/${body.session.id}`);
    expect(Date.parse(body.accessTokenExpiresAt) - Date.now()).toBeLessThanOrEqual(600_000);
    expect(await AuditEvent.countDocuments({ action: 'session.created', 'target.id': id })).toBe(2);
  });

  it('puts the tokens into cookies for a browser that asks, and tells it all the rest', async () => {
    const { email, id } = await person(service);
    const browser = openBrowser(service);
    const response = await browser.call('POST', '/v1/sessions', { email, password: PASSWORD, transport: 'cookie' });
    expect(response.statusCode).toBe(201);
    expect(response.json()).toEqual({
      session: expect.objectContaining({ current: true }),
      user: expect.objectContaining({ id, email }),
      deviceToken: expect.any(String),
      accessTokenExpiresAt: expect.any(String),
      refreshTokenExpiresAt: expect.any(String),
    });
    expect((await browser.call('GET', '/v1/users/me')).json().id).toBe(id);
    expect((await browser.call('PATCH', '/v1/users/me', { firstName: 'Ada' })).json().firstName).toBe('Ada');
    expect((await browser.call('GET', '/v1/sessions')).json().items[0]).toMatchObject({ current: true });
  });

  it('knows no third way to hand tokens over', async () => {
    for (const transport of ['header', 'Cookie', '', null, 1, ['cookie'], {}]) {
      const body = { email: 'ada@example.com', password: PASSWORD, transport };
      const { json, statusCode } = await call(service, 'POST', '/v1/sessions', body);
      expect([statusCode, json().errors[0].pointer], JSON.stringify(transport)).toEqual([400, '/transport']);
    }
  });

  it('wakes an inactive account', async () => {
    const { email } = await person(service);
    await User.updateOne({ email }, { $set: { status: 'inactive' } });
    const woken = await signIn(service, email);
    expect((await woken.call('GET', '/v1/users/me')).json().status).toBe('active');
  });

  it('takes no idempotency key, as its response carries a secret', async () => {
    const headers = { 'idempotency-key': 'a-key' };
    const response = await call(service, 'POST', '/v1/sessions', { email: 'a@b.example', password: 'x' }, { headers });
    expect([response.statusCode, response.json().code]).toEqual([400, 'idempotency-not-supported']);
  });
});

describe('POST /v1/sessions/refresh', () => {
  const refresh = (refreshToken: string) => call(service, 'POST', '/v1/sessions/refresh', { refreshToken });

  it('gives a new pair that works, in the same session', async () => {
    const ada = await person(service);
    const refreshed = (await refresh(ada.refreshToken)).json();
    expect(refreshed.session.id).toBe(ada.sessionId);
    expect(refreshed.refreshToken).not.toBe(ada.refreshToken);
    const headers = { authorization: `Bearer ${refreshed.accessToken}` };
    expect((await call(service, 'GET', '/v1/users/me', undefined, { headers })).statusCode).toBe(200);
    expect((await refresh(refreshed.refreshToken)).statusCode).toBe(200);
  });

  it('replaces the cookies of a browser, whether it sends an empty object or nothing', async () => {
    const { browser, sessionId } = await browserSignIn(service, (await person(service)).email);
    for (const body of [{}, undefined]) {
      const before = browser.cookies.get(REFRESH);
      const response = await browser.call('POST', '/v1/sessions/refresh', body);
      expect([response.statusCode, response.json().session.id]).toEqual([200, sessionId]);
      expect(browser.cookies.get(REFRESH)).not.toBe(before);
      expect((await browser.call('GET', '/v1/users/me')).statusCode).toBe(200);
    }
  });

  it('takes the token of the body before that of a cookie, and answers as it was asked', async () => {
    const ada = await person(service);
    const { browser } = await browserSignIn(service, ada.email);
    const before = new Map(browser.cookies);
    const response = await browser.call('POST', '/v1/sessions/refresh', { refreshToken: ada.refreshToken });
    expect(response.json()).toMatchObject({ session: { id: ada.sessionId }, refreshToken: expect.any(String) });
    expect(browser.cookies).toEqual(before);
  });

  it.each(['', 'x', 'A'.repeat(64), '..', '💥'.repeat(16)])('refuses %j', async (token) => {
    expect((await refresh(token)).statusCode).toBeOneOf([400, 401]);
  });
});

describe('the own sessions', () => {
  it('are listed newest first, page by page', async () => {
    const first = await person(service);
    const second = await signIn(service, first.email);
    const third = await signIn(service, first.email);
    const page = await first.call('GET', '/v1/sessions?limit=2');
    const { items, nextCursor } = page.json();
    expect(items.map(({ id }: { id: string }) => id)).toEqual([third.sessionId, second.sessionId]);
    expect(page.headers['link']).toBe(`</v1/sessions?limit=2&cursor=${nextCursor}>; rel="next"`);
    const rest = (await first.call('GET', `/v1/sessions?limit=2&cursor=${nextCursor}`)).json();
    expect(rest).toMatchObject({ items: [{ id: first.sessionId, current: true }], nextCursor: null });
  });

  it('name their device where the user agent does', async () => {
    const { email } = await person(service);
    const signInWith = async (userAgent: string) => {
      const headers = { 'user-agent': userAgent };
      return (await call(service, 'POST', '/v1/sessions', { email, password: PASSWORD }, { headers })).json().session;
    };
    const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0';
    expect(await signInWith(firefox)).toMatchObject({ userAgent: firefox, device: 'Firefox on Windows' });
    expect(await signInWith('curl/8.5.0')).not.toHaveProperty('device');
    const phone = await signIn(service, email);
    const { items } = (await phone.call('GET', '/v1/sessions')).json();
    expect(items.map(({ device }: { device?: string }) => device)).toEqual([
      undefined,
      undefined,
      'Firefox on Windows',
      undefined,
    ]);
  });

  it('end one by one, and all at once', async () => {
    const ada = await person(service);
    const phone = await signIn(service, ada.email);
    const tablet = await signIn(service, ada.email);
    expect((await ada.call('DELETE', `/v1/sessions/${phone.sessionId}`)).statusCode).toBe(204);
    expect((await phone.call('GET', '/v1/users/me')).statusCode).toBe(401);
    expect((await ada.call('DELETE', `/v1/sessions/${phone.sessionId}`)).statusCode).toBe(404);
    expect((await tablet.call('DELETE', '/v1/sessions/current')).statusCode).toBe(204);
    expect((await tablet.call('GET', '/v1/users/me')).statusCode).toBe(401);
    const laptop = await signIn(service, ada.email);
    expect((await ada.call('DELETE', '/v1/sessions')).statusCode).toBe(204);
    for (const device of [ada, laptop]) expect((await device.call('GET', '/v1/users/me')).statusCode).toBe(401);
  });

  it('of somebody else are not there', async () => {
    const [ada, bob] = [await person(service), await person(service)];
    expect((await ada.call('DELETE', `/v1/sessions/${bob.sessionId}`)).statusCode).toBe(404);
    expect((await bob.call('GET', '/v1/users/me')).statusCode).toBe(200);
  });
});
