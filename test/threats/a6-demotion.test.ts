// A6: rights that outlive their withdrawal, and a service that nobody can administer. Elsewhere roles stood in a token
// until it expired, or in a cache; and the last admin removed themselves. Here a demotion counts at the next request on
// every instance, and the last admin who can sign in stays.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, type Person, person, refresh } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let admin: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  admin = await person(here, { roles: ['admin'] });
});
afterAll(() => here.close());

const list = (who: Person, on: TestApp) => who.call('GET', '/v1/admin/users?limit=1', undefined, { on });
const setRoles = (id: string, roles: string[]) => admin.call('PATCH', `/v1/admin/users/${id}`, { roles });
const rolesIn = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).roles;

it.each([
  ['admin', ['user'], '403 forbidden', '403 forbidden'],
  ['admin', ['support'], '200', '403 forbidden'],
  ['support', ['user'], '403 forbidden', '403 forbidden'],
] as const)('%s made %s may do less at once', async (before, after, reads, writes) => {
  const deputy = await person(here, { roles: [before] });
  for (const instance of [here, there]) expect(outcome(await list(deputy, instance))).toBe('200');
  expect(outcome(await setRoles(deputy.id, [...after]))).toBe('200');
  for (const instance of [here, there]) {
    expect(outcome(await list(deputy, instance))).toBe(reads);
    const suspend = await deputy.call('POST', `/v1/admin/users/${admin.id}/suspend`, { reason: 'x' }, { on: instance });
    expect(outcome(suspend)).toBe(writes);
  }
  const { accessToken } = (await refresh(there, deputy.refreshToken)).json();
  expect(rolesIn(accessToken)).toEqual(after);
  const headers = { authorization: `Bearer ${accessToken}` };
  expect(outcome(await call(there, 'GET', '/v1/admin/users?limit=1', undefined, { headers }))).toBe(reads);
});

it('support promotes nobody, and an admin with a session of long ago neither', async () => {
  const support = await person(here, { roles: ['support'] });
  const promote = await support.call('PATCH', `/v1/admin/users/${support.id}`, { roles: ['admin'] });
  expect(outcome(promote)).toBe('403 forbidden');
  expect((await User.findById(support.id).lean())?.roles).toEqual(['support']);
});

describe('the last admin', () => {
  const url = () => `/v1/admin/users/${admin.id}`;
  const WAYS: [string, () => ReturnType<Person['call']>][] = [
    ['is not demoted', () => setRoles(admin.id, ['user', 'support'])],
    ['is not suspended', () => admin.call('POST', `${url()}/suspend`, { reason: 'x' })],
    ['is not deleted', () => admin.call('DELETE', url())],
    ['does not delete themselves', () => admin.call('DELETE', '/v1/users/me')],
  ];

  it.each(WAYS)('%s', async (_way, remove) => {
    const before = await User.findById(admin.id).lean();
    expect(outcome(await remove())).toBe('409 last-admin');
    expect(await User.findById(admin.id).lean()).toEqual(before);
    expect(outcome(await list(admin, there))).toBe('200');
  });

  it.each(['suspended', 'deleted'])('is the last beside one who is %s', async (status) => {
    const other = await person(here, { roles: ['admin'] });
    await User.updateOne({ _id: other.id }, { $set: { status } });
    expect(outcome(await setRoles(admin.id, ['user']))).toBe('409 last-admin');
  });
});
