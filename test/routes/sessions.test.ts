import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
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
