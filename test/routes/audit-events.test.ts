import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AuditAction, AuditEvent, recordAuditEvent } from '../../src/models/audit-event.ts';
import { toId } from '../../src/models/ids.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { newTrail, sealAll, sealingOptions, trail, writeEvents } from '../helpers/audit.ts';
import { UNOPENABLE } from '../helpers/ciphertexts.ts';
import { call, type Person, person } from '../helpers/people.ts';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0';

let service: TestApp;
let ada: Person;
let admin: Person;
let support: Person;
beforeAll(async () => {
  service = await buildTestApp();
  [ada, admin, support] = [
    await person(service),
    await person(service, { roles: ['user', 'admin'] }),
    await person(service, { roles: ['user', 'support'] }),
  ];
});
afterAll(() => service.close());
beforeEach(newTrail);

type Item = Record<string, unknown> & { id: string; at: string; action: AuditAction };

const url = '/v1/admin/audit-events';
const list = async (query = '', as = admin): Promise<Item[]> => (await as.call('GET', `${url}${query}`)).json().items;
const actions = async (query = '') => (await list(query)).map(({ action }) => action);

describe('GET /v1/admin/audit-events', () => {
  it('tells who did what, to what, when, from where, with what and why', async () => {
    const options = { remoteAddress: '192.0.2.7', headers: { 'user-agent': FIREFOX } };
    const eve = await person(service);
    await newTrail();
    const acted = await admin.call('POST', `/v1/admin/users/${eve.id}/suspend`, { reason: 'ticket 4711' }, options);
    await sealAll(sealingOptions(service));
    const events = await list();
    expect(events.at(-1)).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      action: 'user.suspended',
      outcome: 'success',
      actor: { type: 'user', id: admin.id },
      target: { collection: 'users', id: eve.id },
      changes: ['status'],
      at: expect.any(String),
      requestId: acted.headers['x-request-id'],
      ip: '192.0.2.7',
      userAgent: FIREFOX,
      device: 'Firefox on Windows',
      note: 'ticket 4711',
      sealId: 1,
    });
  });

  it('filters by actor, target, action and outcome, each with a period', async () => {
    await support.call('GET', `/v1/admin/users/${ada.id}`);
    await ada.call('GET', url);
    await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada' });
    expect(await actions(`?actor=${support.id}`)).toEqual(['user.read']);
    expect(await actions('?outcome=denied')).toEqual(['access.denied']);
    expect(await actions('?action=user.updated')).toEqual(['user.updated']);
    expect(await actions(`?target=${ada.id}`)).toEqual(['user.updated', 'user.read']);
    const [middle] = await list('?action=access.denied');
    const at = Date.parse(middle?.at ?? '');
    const period = (from: number, to: number) =>
      `actor=${ada.id}&from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
    expect(await actions(`?${period(at, at + 1)}`)).toContain('access.denied');
    expect(await actions(`?${period(at - 60_000, at)}`)).toEqual([]);
    expect(await actions(`?${period(at + 60_000, at + 120_000)}`)).toEqual([]);
  });

  it('offers no two filters at once, and nothing unknown', async () => {
    for (const query of [`actor=${ada.id}&target=${ada.id}`, 'action=user.read&outcome=success']) {
      const response = await admin.call('GET', `${url}?${query}`);
      expect([response.statusCode, response.json().code]).toEqual([400, 'unsupported-sort']);
    }
    for (const query of ['ip=192.0.2.1', 'action=user.eaten', 'from=yesterday', 'actor=me'])
      expect((await admin.call('GET', `${url}?${query}`)).json().code, query).toBe('validation-failed');
  });

  it('goes through all of it page by page, and takes a cursor for its own filter alone', async () => {
    const ids = (await writeEvents(service, 7)).map(String);
    const seen: string[] = [];
    let query = '?outcome=failure&limit=3';
    for (let pages = 0; pages < 3; pages += 1) {
      const { items, nextCursor } = (await admin.call('GET', `${url}${query}`)).json();
      seen.push(...items.map(({ id }: Item) => id));
      query = `?outcome=failure&limit=3&cursor=${nextCursor}`;
    }
    expect(seen).toEqual(ids.toReversed());
    const { nextCursor } = (await admin.call('GET', `${url}?outcome=failure&limit=3`)).json();
    expect((await admin.call('GET', `${url}?limit=3&cursor=${nextCursor}`)).json().code).toBe('invalid-cursor');
  });

  it('shows the others when one has been tampered with, and says why values are not there', async () => {
    const [altered, erased] = await writeEvents(service, 3);
    await AuditEvent.updateOne({ _id: altered }, { $set: { personal: UNOPENABLE } });
    await AuditEvent.updateOne({ _id: erased }, { $unset: { personal: 1 } });
    const items = (await list('?outcome=failure')).map(({ ip, personalValues }) => [ip, personalValues]);
    expect(items).toEqual([
      ['192.0.2.2', undefined],
      [undefined, 'erased'],
      [undefined, 'altered'],
    ]);
  });

  it('is itself recorded, with whom it was about', async () => {
    await list();
    await list(`?target=${ada.id}`);
    await list(`?actor=${ada.id}`, support);
    const events = await AuditEvent.find({ action: 'audit.read' }).sort({ _id: 1 }).lean();
    expect(
      events.map(({ actor, target, count }) => [String(actor.id), target.collection, String(target.id), count]),
    ).toEqual([
      [admin.id, 'audit_events', 'undefined', 0],
      [admin.id, 'users', ada.id, 0],
      [support.id, 'users', ada.id, 0],
    ]);
  });
});

describe('GET /v1/admin/users/:id/audit-events', () => {
  const of = (id: string, query = '') => admin.call('GET', `/v1/admin/users/${id}/audit-events${query}`);

  it('tells what was done to one account, and is recorded', async () => {
    await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada' });
    await support.call('GET', `/v1/admin/users/${admin.id}`);
    const { items } = (await of(ada.id)).json();
    expect(items.map(({ action }: Item) => action)).toEqual(['user.updated']);
    expect(await AuditEvent.countDocuments({ action: 'audit.read', 'target.id': ada.id, count: 1 })).toBe(1);
  });

  it('tells of an account that is gone, not of one that never was', async () => {
    const gone = toId('6'.repeat(24));
    const target = { collection: 'users', id: gone };
    await recordAuditEvent(undefined, { actor: { type: 'system' } }, { action: 'user.deleted', target });
    expect((await of(String(gone))).json().items).toHaveLength(1);
    expect((await of('5'.repeat(24))).statusCode).toBe(404);
  });
});

describe('GET /v1/admin/audit-events/verification', () => {
  const verify = async (query = '') => (await admin.call('GET', `${url}/verification${query}`)).json();

  it('says that all is well, and what the newest seal is', async () => {
    expect(await verify()).toMatchObject({ valid: true, seals: 0, head: null, next: null });
    await newTrail();
    await writeEvents(service, 3);
    await sealAll(sealingOptions(service));
    expect(await verify()).toEqual({
      valid: true,
      findings: [],
      findingCount: 0,
      seals: 1,
      events: 3,
      erased: 0,
      expired: 0,
      unsealed: 0,
      head: { number: 1, hash: expect.stringMatching(/^[\w-]{43}$/) },
      next: null,
    });
    expect(await AuditEvent.countDocuments({ action: 'audit.verified', count: 1 })).toBe(1);
  });

  it('tells what is wrong, a part at a time', async () => {
    for (let n = 0; n < 3; n += 1) {
      await writeEvents(service, 2);
      await sealAll(sealingOptions(service));
    }
    const event = await trail().events.findOne({ sealId: 3 });
    await trail().events.updateOne({ _id: event?._id as never }, { $set: { outcome: 'success' } });
    expect(await verify('?limit=2')).toMatchObject({ valid: true, seals: 2, next: 3 });
    const findings = [{ code: 'event-altered', seal: 3, event: String(event?._id) }];
    expect(await verify('?from=3&limit=2')).toMatchObject({ valid: false, findings, findingCount: 1, next: null });
  });
});

describe('GET /v1/users/me/activity', () => {
  const mine = async (as: Person): Promise<Item[]> => (await as.call('GET', '/v1/users/me/activity')).json().items;

  it('tells what happened to the own account: by oneself, by strangers, by staff, by the service', async () => {
    const { email, password } = ada;
    const at = (remoteAddress: string) => ({ remoteAddress, headers: { 'user-agent': FIREFOX } });
    await call(service, 'POST', '/v1/sessions', { email, password }, at('192.0.2.1'));
    await call(service, 'POST', '/v1/sessions', { email, password: 'wrong' }, at('192.0.2.2'));
    await admin.call('GET', `/v1/admin/users/${ada.id}`, undefined, at('192.0.2.3'));
    await recordAuditEvent(
      undefined,
      { actor: { type: 'operator' } },
      { action: 'user.roles-changed', target: { collection: 'users', id: toId(ada.id) } },
    );
    const items = await mine(ada);
    expect(items.map(({ action, outcome, by, ip, device }) => [action, outcome, by, ip, device])).toEqual([
      ['user.roles-changed', 'success', 'operator', undefined, undefined],
      ['user.read', 'success', 'staff', undefined, undefined],
      ['session.created', 'failure', 'anybody', '192.0.2.2', 'Firefox on Windows'],
      ['session.created', 'success', 'self', '192.0.2.1', 'Firefox on Windows'],
    ]);
  });

  it('tells of nobody else, and of staff neither who nor where nor why', async () => {
    const eve = await person(service);
    await admin.call('PATCH', `/v1/admin/users/${eve.id}`, { firstName: 'Eve' }, { remoteAddress: '192.0.2.3' });
    await admin.call('GET', `/v1/admin/users/${ada.id}`);
    const items = await mine(eve);
    expect(items.map(({ action }) => action)).toEqual(['user.updated', 'session.created', 'user.created']);
    const text = JSON.stringify(items);
    for (const secret of [admin.id, '192.0.2.3', ada.id]) expect(text).not.toContain(secret);
  });
});
