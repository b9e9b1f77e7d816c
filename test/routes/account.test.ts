import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { age, call, freshEmail, PASSWORD, type Person, person, signIn } from '../helpers/people.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

describe('POST /v1/users', () => {
  it('answers with the account, its ETag and where it is, and keeps an audit event', async () => {
    const email = freshEmail('ada');
    const response = await call(service, 'POST', '/v1/users', {
      email: ` ${email.toUpperCase()} `,
      password: PASSWORD,
      firstName: '  Ada <b>Augusta</b> ',
      lastName: 'O’Lovelace',
      avatarUrl: 'https://example.com/ada.png',
    });
    expect(response.statusCode).toBe(201);
    expect(response.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      email,
      firstName: 'Ada Augusta',
      lastName: 'O’Lovelace',
      avatarUrl: 'https://example.com/ada.png',
      emailVerified: false,
      status: 'active',
      roles: ['user'],
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      updatedAt: expect.any(String),
    });
    expect(response.headers).toEqual(expect.objectContaining({ location: '/v1/users/me', etag: '"1"' }));
    expect(await AuditEvent.find({ 'target.id': response.json().id }).lean()).toMatchObject([
      { action: 'user.created', outcome: 'success', requestId: response.headers['x-request-id'] },
    ]);
  });

  it('tells all that is wrong at once, and stores nothing', async () => {
    const before = await User.countDocuments();
    const response = await call(service, 'POST', '/v1/users', {
      email: 'not an email',
      password: 'short',
      firstName: '<b></b>',
      avatarUrl: 'http://example.com/a.png',
    });
    expect(response.statusCode).toBe(400);
    const problem = response.json();
    expect(problem.code).toBe('validation-failed');
    const found = problem.errors.map(({ pointer, code }: { pointer: string; code: string }) => `${pointer} ${code}`);
    expect(found.sort()).toEqual([
      '/avatarUrl invalid-url',
      '/email invalid-email',
      '/firstName empty-name',
      '/password too-common',
      '/password too-short',
    ]);
    expect(await User.countDocuments()).toBe(before);
  });

  it('refuses an email that is taken, in whatever spelling', async () => {
    const { email } = await person(service);
    const response = await call(service, 'POST', '/v1/users', { email: email.toUpperCase(), password: PASSWORD });
    expect(response.statusCode).toBe(409);
    expect(response.json().code).toBe('email-taken');
  });
});

describe('/v1/users/me', () => {
  let ada: Person;
  beforeAll(async () => {
    ada = await person(service);
  });

  it('reads the account, and answers 304 to whoever has this version', async () => {
    const response = await ada.call('GET', '/v1/users/me');
    expect(response.json()).toMatchObject({ id: ada.id, email: ada.email });
    const { etag } = response.headers;
    const again = await ada.call('GET', '/v1/users/me', undefined, { headers: { 'if-none-match': String(etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('changes the profile as a merge patch', async () => {
    const metadata = { theme: 'dark', nested: { a: [1, 2] } };
    const patched = await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada', metadata });
    expect(patched.json()).toMatchObject({ firstName: 'Ada', metadata });
    const removed = await ada.call('PATCH', '/v1/users/me', { firstName: null });
    expect(removed.json()).not.toHaveProperty('firstName');
    expect(removed.json()).toMatchObject({ metadata });
    expect(removed.headers['etag']).not.toBe(patched.headers['etag']);
  });

  it('refuses a change that is based on an old version', async () => {
    const { etag } = (await ada.call('GET', '/v1/users/me')).headers;
    const headers = { 'if-match': String(etag) };
    expect((await ada.call('PATCH', '/v1/users/me', { lastName: 'First' }, { headers })).statusCode).toBe(200);
    const late = await ada.call('PATCH', '/v1/users/me', { lastName: 'Second' }, { headers });
    expect([late.statusCode, late.json().code]).toEqual([412, 'precondition-failed']);
    expect((await ada.call('GET', '/v1/users/me')).json().lastName).toBe('First');
  });

  it('changes the password, ends the other sessions and keeps this one', async () => {
    const person_ = await person(service);
    const other = await signIn(service, person_.email);
    const next = 'an entirely new pass phrase';
    const wrong = await person_.call('PUT', '/v1/users/me/password', { currentPassword: 'x', newPassword: next });
    expect([wrong.statusCode, wrong.json().code]).toEqual([403, 'wrong-password']);
    const change = { currentPassword: PASSWORD, newPassword: next };
    expect((await person_.call('PUT', '/v1/users/me/password', change)).statusCode).toBe(204);
    expect((await other.call('GET', '/v1/users/me')).statusCode).toBe(401);
    expect((await person_.call('GET', '/v1/users/me')).statusCode).toBe(200);
    await expect(signIn(service, person_.email)).rejects.toThrow('401');
    await signIn(service, person_.email, next);
  });

  it('deletes the account after a recent sign-in only, and signs it out', async () => {
    const gone = await person(service);
    await age(gone.sessionId, 11);
    const refused = await gone.call('DELETE', '/v1/users/me');
    expect([refused.statusCode, refused.json().code]).toEqual([403, 'reauthentication-required']);
    await age(gone.sessionId, 0);
    expect((await gone.call('DELETE', '/v1/users/me')).statusCode).toBe(204);
    expect((await gone.call('GET', '/v1/users/me')).statusCode).toBe(401);
    await expect(signIn(service, gone.email)).rejects.toThrow('401');
    expect(await Session.countDocuments({ userId: gone.id })).toBe(0);
    const again = await call(service, 'POST', '/v1/users', { email: gone.email, password: PASSWORD });
    expect(again.statusCode).toBe(409);
  });
});
