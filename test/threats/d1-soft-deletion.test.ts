// D1: a deleted account that is still there. Elsewhere it showed up in lists and searches, its email could be taken by
// somebody else who then got what was meant for the first owner, or its old tokens came back to life with a restore.
// Here it is hidden, its email stays reserved until it is erased, and a restore brings back the account but no session.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let admin: Person;
let gone: Person;
let url: string;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  admin = await person(here, { roles: ['admin'] });
  gone = await person(here);
  url = `/v1/admin/users/${gone.id}`;
  await gone.call('PATCH', '/v1/users/me', { firstName: 'Hidden', lastName: 'Zyzzyva' });
  await gone.call('DELETE', '/v1/users/me');
});
afterAll(() => here.close());

const emails = async (query: Record<string, string>) =>
  (await admin.call('GET', '/v1/admin/users', undefined, { query })).json().items.map((item: Person) => item.email);

it('is in no list and no search but the one for the deleted', async () => {
  for (const sort of ['id', '-createdAt', 'email']) expect(await emails({ sort })).not.toContain(gone.email);
  for (const query of [{ role: 'user' }, { emailVerified: 'false' }, { createdAfter: '2020-01-01T00:00:00Z' }] as const)
    expect(await emails(query)).not.toContain(gone.email);
  for (const q of [gone.email, 'Zyzzyva', 'hidden']) {
    expect(await emails({ q })).toEqual([]);
    expect(await emails({ q, status: 'deleted' })).toEqual([gone.email]);
  }
  expect(await emails({ status: 'deleted' })).toEqual([gone.email]);
  const counted = await admin.call('GET', '/v1/admin/users?total=true');
  expect(counted.json().total).toBe(counted.json().items.length);
});

it('is nobody to itself', async () => {
  for (const instance of [here, there]) {
    expect(outcome(await whoAmI(instance, gone.accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(instance, gone.refreshToken))).toBe('401 invalid-token');
  }
});

it('keeps its email: nobody else can take it, in whatever spelling', async () => {
  for (const email of [gone.email, gone.email.toUpperCase()])
    expect(outcome(await call(there, 'POST', '/v1/users', { email, password: PASSWORD }))).toBe('409 email-taken');
  expect(await User.countDocuments({ email: gone.email })).toBe(1);
});

it('is changed by nobody, an admin included', async () => {
  const before = await User.findById(gone.id).lean();
  expect(outcome(await admin.call('PATCH', url, { firstName: 'X' }))).toBe('409 invalid-status');
  expect(outcome(await admin.call('PATCH', url, { roles: ['admin'] }))).toBe('409 invalid-status');
  for (const step of ['suspend', 'reactivate'])
    expect(outcome(await admin.call('POST', `${url}/${step}`, { reason: 'x' }))).toBe('409 invalid-status');
  expect(outcome(await admin.call('DELETE', url))).toBe('409 invalid-status');
  expect(await User.findById(gone.id).lean()).toEqual(before);
});

it('restored, it is as it was, and its old sessions stay dead', async () => {
  const restored = await admin.call('POST', `${url}/restore`, { reason: 'asked for it' });
  expect(restored.json()).toMatchObject({ id: gone.id, email: gone.email, firstName: 'Hidden', status: 'active' });
  expect(restored.json()).not.toHaveProperty('deletedAt');
  expect(await emails({ q: 'Zyzzyva' })).toEqual([gone.email]);
  for (const instance of [here, there]) {
    expect(outcome(await whoAmI(instance, gone.accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(instance, gone.refreshToken))).toBe('401 invalid-token');
  }
  expect(await Session.countDocuments({ userId: gone.id })).toBe(0);
  expect((await signIn(there, gone.email)).id).toBe(gone.id);
});

it('restored, a suspended account is suspended still', async () => {
  const bad = await person(here);
  const act = (step: string) => admin.call('POST', `/v1/admin/users/${bad.id}/${step}`, { reason: step });
  await act('suspend');
  await admin.call('DELETE', `/v1/admin/users/${bad.id}`);
  expect((await act('restore')).json()).toMatchObject({ status: 'suspended' });
  await expect(signIn(here, bad.email)).rejects.toThrow('401');
});
