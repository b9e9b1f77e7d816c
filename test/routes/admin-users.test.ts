import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { personalValues } from '../helpers/audit.ts';
import { age, freshEmail, type Person, person, signIn } from '../helpers/people.ts';

let service: TestApp;
let admin: Person;
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
});
afterAll(() => service.close());

describe('GET /v1/admin/users', () => {
  const day = (n: number) => new Date(Date.UTC(2025, 0, n));
  const emails = Array.from({ length: 7 }, (_, n) => `list${n}@example.org`);

  beforeAll(async () => {
    await User.insertMany(
      emails.map((email, n) => ({
        email,
        firstName: n === 3 ? 'Listine' : 'Ann',
        firstNameKey: n === 3 ? 'listine' : 'ann',
        lastName: 'Óg',
        lastNameKey: 'óg',
        status: n === 6 ? 'deleted' : n === 5 ? 'suspended' : 'active',
        emailVerified: n % 2 === 0,
        roles: n === 1 ? ['user', 'support'] : ['user'],
        createdAt: day(n + 1),
        updatedAt: day(n + 1),
      })),
      { timestamps: false },
    );
  });

  const list = async (query: Record<string, string>) => {
    const response = await admin.call('GET', '/v1/admin/users', undefined, { query });
    expect(response.statusCode, response.body).toBe(200);
    return response.json();
  };
  const emailsOf = (page: { items: { email: string }[] }) =>
    page.items.map(({ email }) => email).filter((email) => email.startsWith('list'));

  it('walks all pages in every order, each account once, the deleted hidden', async () => {
    const live = emails.slice(0, 6);
    for (const sort of ['id', '-id', 'createdAt', '-createdAt', 'email', '-email']) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await list({ sort, limit: '2', ...(cursor && { cursor }) });
        seen.push(...emailsOf(page));
        cursor = page.nextCursor;
      }
      expect(seen, sort).toEqual(sort.startsWith('-') ? live.toReversed() : live);
    }
  });

  it('filters', async () => {
    expect(emailsOf(await list({ status: 'deleted' }))).toEqual(['list6@example.org']);
    expect(emailsOf(await list({ status: 'suspended' }))).toEqual(['list5@example.org']);
    expect(emailsOf(await list({ role: 'support' }))).toEqual(['list1@example.org']);
    expect(emailsOf(await list({ emailVerified: 'true' }))).toEqual([4, 2, 0].map((n) => `list${n}@example.org`));
    const created = { createdAfter: day(1).toISOString(), createdBefore: day(4).toISOString() };
    expect(emailsOf(await list(created))).toEqual(['list2@example.org', 'list1@example.org']);
    expect(emailsOf(await list({ ...created, status: 'active', sort: 'createdAt' }))).toHaveLength(2);
  });

  it('searches emails and names by their beginning, each account once, page by page', async () => {
    expect(emailsOf(await list({ q: 'LIST' }))).toEqual(emails.slice(0, 6));
    expect(emailsOf(await list({ q: 'listi' }))).toEqual(['list3@example.org']);
    const first = await list({ q: 'Óg', limit: '4' });
    const second = await list({ q: 'Óg', limit: '4', cursor: first.nextCursor });
    expect([...emailsOf(first), ...emailsOf(second)].sort()).toEqual(emails.slice(0, 6));
    expect(second.nextCursor).toBeNull();
    expect(emailsOf(await list({ q: 'list', status: 'deleted' }))).toEqual(['list6@example.org']);
  });

  it('counts only when asked', async () => {
    expect(await list({ status: 'suspended' })).not.toHaveProperty('total');
    expect(await list({ status: 'suspended', total: 'true' })).toMatchObject({ total: 1, totalCapped: false });
  });

  it('refuses pairs without an index, unknown parameters and foreign cursors', async () => {
    const { nextCursor } = await list({ limit: '1' });
    const cases: [Record<string, string>, string][] = [
      [{ role: 'user', sort: 'email' }, 'unsupported-sort'],
      [{ role: 'user', status: 'active' }, 'unsupported-sort'],
      [{ q: 'a', sort: 'email' }, 'unsupported-sort'],
      [{ sort: 'passwordHash' }, 'validation-failed'],
      [{ password: 'x' }, 'validation-failed'],
      [{ limit: '101' }, 'validation-failed'],
      [{ cursor: nextCursor, limit: '1', sort: 'email' }, 'invalid-cursor'],
      [{ cursor: 'AAAA' }, 'invalid-cursor'],
    ];
    for (const [query, code] of cases) {
      const response = await admin.call('GET', '/v1/admin/users', undefined, { query });
      expect([response.statusCode, response.json().code], JSON.stringify(query)).toEqual([400, code]);
    }
  });
});

describe('one account', () => {
  const act = (id: string, name: string) =>
    admin.call('POST', `/v1/admin/users/${id}/${name}`, { reason: `to ${name}` });

  it('is suspended, reactivated, deleted and restored, each with its reason in the audit trail', async () => {
    const ada = await person(service);
    expect((await act(ada.id, 'suspend')).json()).toMatchObject({ status: 'suspended', statusReason: 'to suspend' });
    expect((await ada.call('GET', '/v1/users/me')).statusCode).toBe(401);
    await expect(signIn(service, ada.email)).rejects.toThrow('401');
    expect((await act(ada.id, 'suspend')).json().code).toBe('invalid-status');
    expect((await act(ada.id, 'reactivate')).json().status).toBe('active');
    await signIn(service, ada.email);
    expect((await admin.call('DELETE', `/v1/admin/users/${ada.id}`)).statusCode).toBe(204);
    const deleted = (await admin.call('GET', `/v1/admin/users/${ada.id}`)).json();
    expect(deleted).toMatchObject({ status: 'deleted', purgeAt: expect.any(String) });
    expect((await act(ada.id, 'restore')).json()).toMatchObject({ status: 'active' });
    await User.updateOne({ _id: ada.id }, { $set: { status: 'deleted', purgeAt: new Date(0) } });
    expect((await act(ada.id, 'restore')).json().code).toBe('restore-period-over');
    const trail = await AuditEvent.find({ 'target.id': ada.id, 'actor.id': admin.id }).sort({ _id: 1 }).lean();
    expect(trail.map((event) => [event.action, personalValues(service, event).note])).toEqual([
      ['user.suspended', 'to suspend'],
      ['user.reactivated', 'to reactivate'],
      ['user.deleted', undefined],
      ['user.read', undefined],
      ['user.restored', 'to restore'],
    ]);
  });

  it('is changed by an admin, roles only after a recent sign-in', async () => {
    const ada = await person(service);
    const url = `/v1/admin/users/${ada.id}`;
    expect((await admin.call('PATCH', url, { firstName: 'Ada' })).json()).toMatchObject({ firstName: 'Ada' });
    const roles = ['user', 'support'];
    expect((await admin.call('PATCH', url, { roles })).json()).toMatchObject({ roles });
    await age(admin.sessionId, 11);
    expect((await admin.call('PATCH', url, { roles: ['user'] })).json().code).toBe('reauthentication-required');
    await age(admin.sessionId, 0);
    const stale = await admin.call('PATCH', url, { firstName: 'X' }, { headers: { 'if-match': '"1"' } });
    expect(stale.statusCode).toBe(412);
  });

  it('under legal hold is not deleted', async () => {
    const ada = await person(service);
    await User.updateOne({ _id: ada.id }, { $set: { legalHold: true } });
    expect((await admin.call('DELETE', `/v1/admin/users/${ada.id}`)).json().code).toBe('legal-hold');
  });

  it('that is not there is 404', async () => {
    const id = '000000000000000000000000';
    expect((await admin.call('GET', `/v1/admin/users/${id}`)).statusCode).toBe(404);
    expect((await admin.call('PATCH', `/v1/admin/users/${id}`, { firstName: 'X' })).statusCode).toBe(404);
    expect((await act(id, 'suspend')).statusCode).toBe(404);
    expect((await admin.call('GET', `/v1/admin/users/${freshEmail()}`)).statusCode).toBe(400);
  });
});
