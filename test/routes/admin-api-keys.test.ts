import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PERMISSIONS } from '../../src/lib/permissions.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { type ApiKeyCaller, apiKeyOf } from '../helpers/api-keys.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import { commandsOf } from '../helpers/commands.ts';
import { ID_OF_NOTHING } from '../helpers/operations.ts';
import { outcome } from '../helpers/parallel.ts';
import { age, type Person, person, signIn } from '../helpers/people.ts';

const URL = '/v1/admin/api-keys';

let service: TestApp;
let admin: Person;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
});
afterAll(() => service.close());

const make = (body: unknown) => admin.call('POST', URL, body);
const stored = (id: string) => ApiKey.findById(id).lean();
const eventsOf = (id: string) => AuditEvent.find({ 'target.id': id }).sort({ _id: 1 }).lean();

describe('an API key', () => {
  it('is shown once, and named by its prefix from then on', async () => {
    const permissions = ['users:read', 'sessions:read'];
    const made = await make({ name: ' <b>Nightly</b>  report ', permissions, expiresAt: '2099-01-01T00:00:00Z' });
    expect(made.statusCode).toBe(201);
    const { apiKey, key } = made.json();
    expect(key).toMatch(/^rk_[0-9a-f]{16}_[0-9a-f]{64}$/);
    expect(key.startsWith(`rk_${apiKey.prefix}_`)).toBe(true);
    expect(apiKey).toMatchObject({ name: 'Nightly report', permissions, createdBy: admin.id });
    expect(made.headers).toMatchObject({ location: `${URL}/${apiKey.id}`, etag: '"1"' });
    const read = await admin.call('GET', `${URL}/${apiKey.id}`);
    expect(read.json()).toEqual(apiKey);
    expect(read.body).not.toContain(key.slice(-64));
    expect(await eventsOf(apiKey.id)).toMatchObject([{ action: 'api-key.created', actor: { type: 'user' } }]);
  });

  it('calls the routes of its permissions, and no other', async () => {
    const { call } = await apiKeyOf(service, admin, ['users:read']);
    expect(outcome(await call('GET', `/v1/admin/users/${admin.id}`))).toBe('200');
    expect(outcome(await call('GET', `/v1/admin/users/${admin.id}/sessions`))).toBe('403 forbidden');
    expect(outcome(await call('DELETE', `/v1/admin/users/${admin.id}`))).toBe('403 forbidden');
  });

  it.each(['/v1/users/me', '/v1/sessions'])('is no session: %s refuses it without asking the database', async (url) => {
    const { call } = await apiKeyOf(service, admin, ['users:read']);
    const sent = await commandsOf(async () => expect(outcome(await call('GET', url))).toBe('401 invalid-token'));
    expect(sent).toEqual([]);
  });

  it('costs one read a request, and one write a minute for its last use', async () => {
    const { call, id } = await apiKeyOf(service, admin, ['operations:read']);
    await service.app.settled();
    const request = () => commandsOf(() => call('GET', '/v1/admin/jobs').then(() => service.app.settled()));
    const noted = ['findAndModify api_keys', 'insert journal', 'commitTransaction'];
    expect(await request()).toEqual(['aggregate api_keys', 'find jobs', ...noted]);
    const first = (await stored(id))?.lastUsedAt;
    expect(first).toEqual(new Date());
    passTime(59_000);
    expect(await request()).toEqual(['aggregate api_keys', 'find jobs']);
    passTime(1_000);
    expect(await request()).toEqual(['aggregate api_keys', 'find jobs', ...noted]);
    expect((await stored(id))?.lastUsedAt).toEqual(new Date());
    const seen = (await admin.call('GET', `${URL}/${id}`)).json();
    expect(seen.lastUsedAt).toBe(new Date().toISOString());
  });

  it('is who acts, in the audit trail and in the log', async () => {
    const { call, id } = await apiKeyOf(service, admin, ['users:write']);
    const ada = await person(service);
    await call('PATCH', `/v1/admin/users/${ada.id}`, { firstName: 'Ada' });
    const [event] = (await eventsOf(ada.id)).slice(-1);
    expect(event).toMatchObject({ action: 'user.updated', actor: { type: 'api-key' } });
    expect(String(event?.actor.id)).toBe(id);
    const line = service.logged().findLast(({ msg }) => msg === 'request');
    expect(line).toMatchObject({ apiKeyId: id, method: 'PATCH' });
    expect(line).not.toHaveProperty('userId');
  });

  it('has retries and limits of its own', async () => {
    const { call } = await apiKeyOf(service, admin, ['users:write']);
    const email = `by-key.${process.pid}@example.com`;
    const create = () => call('POST', '/v1/admin/users', { email }, { headers: { 'idempotency-key': 'k' } });
    const [first, again] = [await create(), await create()];
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json()).toEqual(first.json());
    const other = await admin.call('POST', '/v1/admin/users', { email }, { headers: { 'idempotency-key': 'k' } });
    expect(outcome(other)).toBe('409 email-taken');
    expect(Number(/r=(\d+)/.exec(String(again.headers['ratelimit']))?.[1])).toBeGreaterThan(0);
  });
});

describe('making one', () => {
  it.each([
    ['no permission', { permissions: [] }, '/permissions'],
    ['an unknown one', { permissions: ['users:everything'] }, '/permissions/0'],
    ['one twice', { permissions: ['users:read', 'users:read'] }, '/permissions'],
    ['an end in the past', { expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    ['an end that is no time', { expiresAt: 'tomorrow' }, '/expiresAt'],
    ['a name of nothing', { name: ' <b></b> ' }, '/name'],
  ])('is refused with %s', async (_what, wrong, pointer) => {
    const refused = await make({ name: 'x', permissions: ['users:read'], ...wrong });
    expect(outcome(refused)).toBe('400 validation-failed');
    expect(refused.json().errors[0].pointer).toBe(pointer);
  });

  it('needs a recent sign-in, and so does deleting one', async () => {
    const { id } = await apiKeyOf(service, admin, ['users:read']);
    const old = await signIn(service, admin.email);
    await age(old.sessionId, 11);
    const refused = [
      await old.call('POST', URL, { name: 'x', permissions: ['users:read'] }),
      await old.call('DELETE', `${URL}/${id}`),
    ];
    expect(refused.map(outcome)).toEqual(['403 reauthentication-required', '403 reauthentication-required']);
    expect(outcome(await old.call('PATCH', `${URL}/${id}`, { name: 'y' }))).toBe('200');
    expect(outcome(await old.call('GET', `${URL}/${id}`))).toBe('200');
  });

  it('takes no idempotency key: the answer carries a secret', async () => {
    const body = { name: 'x', permissions: ['users:read'] };
    const refused = await admin.call('POST', URL, body, { headers: { 'idempotency-key': 'k' } });
    expect(outcome(refused)).toBe('400 idempotency-not-supported');
  });
});

describe('the list', () => {
  it('pages by key, newest first, of all or of one maker', async () => {
    const other = await person(service, { roles: ['admin'] });
    const made: ApiKeyCaller[] = [];
    for (let n = 0; n < 3; n += 1) made.push(await apiKeyOf(service, other, ['users:read'], { name: `Key ${n}` }));
    const first = await admin.call('GET', `${URL}?limit=2&createdBy=${other.id}`);
    expect(first.json().items.map(({ name }: { name: string }) => name)).toEqual(['Key 2', 'Key 1']);
    const rest = await admin.call(
      'GET',
      String(first.headers.link)
        .replace(/^<|>;.*$/g, '')
        .trim(),
    );
    expect(rest.json().items.map(({ id }: { id: string }) => id)).toEqual([made[0]?.id]);
    expect(rest.json().nextCursor).toBeNull();
    const all = (await admin.call('GET', `${URL}?limit=100`)).json().items;
    expect(all.length).toBe(await ApiKey.countDocuments());
    expect(JSON.stringify(all)).not.toContain('hash');
    expect(outcome(await admin.call('GET', `${URL}?cursor=${first.json().nextCursor}`))).toBe('400 invalid-cursor');
  });
});

describe('renaming and deleting', () => {
  it('go by the version that was read', async () => {
    const { id, call } = await apiKeyOf(service, admin, ['users:read']);
    const on = (etag: string) => ({ headers: { 'if-match': etag } });
    const renamed = await admin.call('PATCH', `${URL}/${id}`, { name: 'Other' }, on('"1"'));
    expect([outcome(renamed), renamed.json().name, renamed.headers.etag]).toEqual(['200', 'Other', '"2"']);
    const stale = [
      await admin.call('PATCH', `${URL}/${id}`, { name: 'Third' }, on('"1"')),
      await admin.call('DELETE', `${URL}/${id}`, undefined, on('"1"')),
    ];
    expect(stale.map(outcome)).toEqual(['412 precondition-failed', '412 precondition-failed']);
    // A use changes nothing that a reader could overwrite.
    expect(outcome(await call('GET', '/v1/admin/users?limit=1'))).toBe('200');
    await service.app.settled();
    expect(outcome(await admin.call('DELETE', `${URL}/${id}`, undefined, on('"2"')))).toBe('204');
    expect((await eventsOf(id)).map(({ action }) => action)).toEqual([
      'api-key.created',
      'api-key.renamed',
      'api-key.deleted',
    ]);
  });

  it.each(['GET', 'PATCH', 'DELETE'] as const)('%s of nothing is 404', async (method) => {
    const body = method === 'PATCH' ? { name: 'x' } : undefined;
    expect(outcome(await admin.call(method, `${URL}/${ID_OF_NOTHING}`, body))).toBe('404 not-found');
  });

  it('a key deletes and renames keys if it may, also itself', async () => {
    const { id, call } = await apiKeyOf(service, admin, ['api-keys:write']);
    expect(outcome(await call('PATCH', `${URL}/${id}`, { name: 'Myself' }))).toBe('200');
    expect(outcome(await call('DELETE', `${URL}/${id}`))).toBe('204');
    expect(outcome(await call('DELETE', `${URL}/${id}`))).toBe('401 invalid-token');
  });
});

it('a permission that is no longer known gives nothing and stands in nobody’s way', async () => {
  const { id, call } = await apiKeyOf(service, admin, ['operations:read']);
  await ApiKey.updateOne({ _id: id }, { $push: { permissions: { $each: ['retired:write', '__proto__'] } } });
  expect(outcome(await call('GET', '/v1/admin/jobs'))).toBe('200');
  expect((await admin.call('GET', `${URL}/${id}`)).json().permissions).toEqual(['operations:read']);
  expect(PERMISSIONS).not.toContain('retired:write');
});
