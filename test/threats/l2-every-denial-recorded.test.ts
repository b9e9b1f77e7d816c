// L2: an attack that left no trace, or so many that nobody could read them. Elsewhere only what succeeded was recorded,
// or each of a million refused requests became a document until the disk was full. Here every denial leaves a record of
// who, what, when, where and how it ended; a flood leaves one for each address, route and minute, with how often.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { newTrail, personalValues } from '../helpers/audit.ts';
import { age, call, freshEmail, PASSWORD, type Person, person } from '../helpers/people.ts';

let service: TestApp;
let ada: Person;
let admin: Person;
beforeAll(async () => {
  service = await buildTestApp();
  [ada, admin] = [await person(service), await person(service, { roles: ['user', 'admin'] })];
});
afterAll(() => service.close());
beforeEach(async () => {
  await service.app.tellDenials();
  await newTrail();
});

/** The records, as somebody who investigates wants them. */
async function records() {
  await service.app.tellDenials();
  return (await AuditEvent.find().sort({ _id: 1 }).lean()).map((event) => ({
    who: event.actor.id ? String(event.actor.id) : event.actor.type,
    what: event.action,
    on: event.target.name ?? event.target.collection,
    outcome: event.outcome,
    reason: event.reason ?? undefined,
    ...(event.count != null && { count: event.count }),
    where: personalValues(service, event).ip,
  }));
}

const from = (remoteAddress: string, headers = {}) => ({ remoteAddress, headers });
const denied = { what: 'access.denied', outcome: 'denied' };

describe('a denial of somebody who is signed in', () => {
  it('is one record, with the route and the request', async () => {
    const response = await ada.call('GET', `/v1/admin/users/${admin.id}`, undefined, from('192.0.2.9'));
    expect(response.statusCode).toBe(403);
    expect(await records()).toEqual([
      { ...denied, who: ada.id, on: 'GET /v1/admin/users/:id', reason: 'forbidden', where: '192.0.2.9' },
    ]);
    const [event] = await AuditEvent.find().lean();
    expect(event?.requestId).toBe(response.headers['x-request-id']);
    expect(Math.abs(Date.now() - Number(event?.at))).toBeLessThan(10_000);
  });

  it('for want of a recent sign-in is one, and one inside of a route too', async () => {
    const other = await person(service, { roles: ['user', 'admin'] });
    await age(other.sessionId, 11);
    await newTrail();
    expect((await other.call('DELETE', '/v1/users/me')).statusCode).toBe(403);
    expect((await other.call('PATCH', `/v1/admin/users/${ada.id}`, { roles: ['admin'] })).statusCode).toBe(403);
    expect(await records()).toMatchObject([
      { who: other.id, on: 'DELETE /v1/users/me', reason: 'reauthentication-required' },
      { who: other.id, on: 'PATCH /v1/admin/users/:id', reason: 'reauthentication-required' },
    ]);
  });

  it('that a model has recorded is not told twice', async () => {
    const body = { currentPassword: 'wrong', newPassword: 'an entirely new phrase' };
    expect((await ada.call('PUT', '/v1/users/me/password', body)).statusCode).toBe(403);
    expect(await records()).toMatchObject([
      { who: ada.id, what: 'user.password-changed', outcome: 'failure', reason: 'invalid-credentials' },
    ]);
  });

  it('is counted once it is a flood', async () => {
    const mallory = await person(service);
    await newTrail();
    for (let n = 0; n < 50; n += 1) await mallory.call('GET', '/v1/admin/users');
    const told = await records();
    expect(told).toHaveLength(21);
    expect(told.filter(({ count }) => count === undefined)).toHaveLength(20);
    expect(told.at(-1)).toMatchObject({ who: mallory.id, on: 'GET /v1/admin/users', count: 30 });
  });
});

describe('a denial of nobody in particular', () => {
  it('is counted by address, route and reason', async () => {
    for (let n = 0; n < 30; n += 1) await call(service, 'GET', '/v1/users/me', undefined, from('192.0.2.1'));
    for (let n = 0; n < 3; n += 1) await call(service, 'GET', '/v1/sessions', undefined, from('192.0.2.1'));
    const bad = from('192.0.2.2', { authorization: 'Bearer a.b.c' });
    await call(service, 'GET', '/v1/users/me', undefined, bad);
    const nobody = { ...denied, who: 'anonymous', reason: 'unauthenticated', where: '192.0.2.1' };
    expect(await AuditEvent.countDocuments()).toBe(0);
    expect(await records()).toEqual([
      { ...nobody, on: 'GET /v1/users/me', count: 30 },
      { ...nobody, on: 'GET /v1/sessions', count: 3 },
      { ...nobody, on: 'GET /v1/users/me', reason: 'invalid-token', where: '192.0.2.2', count: 1 },
    ]);
    expect(await records()).toHaveLength(3);
  });

  it('counts one for all addresses of a network', async () => {
    for (let n = 1; n <= 9; n += 1) await call(service, 'GET', '/v1/users/me', undefined, from(`2001:db8::${n}`));
    expect(await records()).toMatchObject([{ where: '2001:db8::/64', count: 9 }]);
  });

  it('from everywhere at once leaves no more than so many records, and counts every one', async () => {
    const addresses = Array.from({ length: 1_100 }, (_, n) => `198.51.${Math.floor(n / 250)}.${n % 250}`);
    for (const address of addresses) await call(service, 'GET', '/v1/users/me', undefined, from(address));
    const told = await records();
    expect(told).toHaveLength(1_001);
    expect(told.at(-1)).toMatchObject({ on: 'GET /v1/users/me', count: 100, where: undefined });
    expect(told.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(1_100);
  });

  it('is written when the service stops', async () => {
    const other = await service.another();
    await call(other, 'GET', '/v1/users/me');
    await other.close();
    expect(await AuditEvent.find().lean()).toMatchObject([{ action: 'access.denied', count: 1 }]);
  });

  it('is not lost while the database is away', async () => {
    await call(service, 'GET', '/v1/users/me');
    const { insertMany } = AuditEvent.collection;
    AuditEvent.collection.insertMany = () => Promise.reject(new Error('away'));
    await service.app.tellDenials();
    AuditEvent.collection.insertMany = insertMany;
    await call(service, 'GET', '/v1/users/me');
    expect(await records()).toMatchObject([{ count: 2 }]);
  });

  it.each([
    ['a reset that is none', 'POST', '/v1/password-resets/confirm', { token: 'x'.repeat(43), newPassword: PASSWORD }],
    ['a link that is none', 'POST', '/v1/email-verifications/confirm', { token: 'x'.repeat(43) }],
    ['a refresh token that is none', 'POST', '/v1/sessions/refresh', { refreshToken: 'x' }],
    ['a challenge that is none', 'POST', '/v1/sessions/mfa', { challenge: 'x', method: 'totp', code: '123456' }],
  ] as const)('of %s is recorded too', async (_what, method, url, body) => {
    expect((await call(service, method, url, body)).statusCode).toBe(401);
    const told = await records();
    expect(told).toHaveLength(1);
    expect(told[0]?.outcome).not.toBe('success');
  });

  it('of a sign-in is one record each, alike for emails that have an account and that have none', async () => {
    for (const email of [ada.email, freshEmail()])
      await call(service, 'POST', '/v1/sessions', { email, password: 'wrong' }, from('192.0.2.3'));
    const failed = { what: 'session.created', outcome: 'failure', reason: 'invalid-credentials', where: '192.0.2.3' };
    expect(await records()).toMatchObject([failed, failed]);
  });
});

describe('what somebody reads of others', () => {
  it('is recorded: one account, a list, sessions', async () => {
    await admin.call('GET', `/v1/admin/users/${ada.id}`);
    await admin.call('GET', `/v1/admin/users/${ada.id}`, undefined, { headers: { 'if-none-match': '"1"' } });
    await admin.call('GET', '/v1/admin/users?limit=2');
    await admin.call('GET', `/v1/admin/users/${ada.id}/sessions`);
    const events = await AuditEvent.find().sort({ _id: 1 }).lean();
    expect(
      events.map(({ action, actor, target, count }) => [action, String(actor.id), String(target.id), count]),
    ).toEqual([
      ['user.read', admin.id, ada.id, undefined],
      ['user.read', admin.id, ada.id, undefined],
      ['users.listed', admin.id, 'undefined', 2],
      ['sessions.listed', admin.id, ada.id, 1],
    ]);
  });

  it('is not answered when it cannot be recorded', async () => {
    const { insertOne } = AuditEvent.collection;
    AuditEvent.collection.insertOne = () => Promise.reject(new Error('no trail'));
    const urls = ['/v1/admin/users', `/v1/admin/users/${ada.id}`, `/v1/admin/users/${ada.id}/sessions`];
    const answers = [];
    for (const url of urls) answers.push(await admin.call('GET', url));
    AuditEvent.collection.insertOne = insertOne;
    for (const answer of answers) expect([answer.statusCode, answer.body.includes(ada.id)]).toEqual([500, false]);
  });

  it('is not what somebody reads of themselves', async () => {
    await ada.call('GET', '/v1/users/me');
    await ada.call('GET', '/v1/sessions');
    expect(await records()).toEqual([]);
  });
});
