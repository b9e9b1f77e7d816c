// A6, for API keys: a key that may more than whoever made it, or that outlives their rights. Elsewhere an admin who was
// dismissed went on by a key made the day before, a key made further keys that stayed when it was revoked, and a key was
// a way to give oneself what one lacked. Here a key may do what it was given *and* its maker may do at the time; both
// are read at each request, on every instance, and a key makes none.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { type Permission, ROLE_PERMISSIONS } from '../../src/lib/permissions.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { SYSTEM } from '../../src/models/audit-event.ts';
import { toId } from '../../src/models/ids.ts';
import { User } from '../../src/models/user.ts';
import { removeUser } from '../../src/models/user-removal.ts';
import { type ApiKeyCaller, apiKeyOf } from '../helpers/api-keys.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import { outcome } from '../helpers/parallel.ts';
import { freshEmail, type Person, person } from '../helpers/people.ts';

const KEYS = '/v1/admin/api-keys';
const LIST = '/v1/admin/users?limit=1';

let here: TestApp;
let there: TestApp;
let admin: Person;
stopTheClock();
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  admin = await person(here, { roles: ['admin'] });
});
afterAll(() => here.close());

/** What a key is answered on each instance. */
async function answers({ call }: ApiKeyCaller, method: 'GET' | 'DELETE' = 'GET', url = LIST): Promise<string[]> {
  return [
    outcome(await call(method, url, undefined, { on: here })),
    outcome(await call(method, url, undefined, { on: there })),
  ];
}
const both = (one: string) => [one, one];

async function deputyWithKey(permissions: Permission[] = ['users:read', 'users:write']) {
  const deputy = await person(here, { roles: ['admin'] });
  return { deputy, key: await apiKeyOf(here, deputy, permissions) };
}

const setRoles = ({ id }: Person, roles: string[]) => admin.call('PATCH', `/v1/admin/users/${id}`, { roles });
const step = ({ id }: Person, name: string) => admin.call('POST', `/v1/admin/users/${id}/${name}`, { reason: 'x' });

describe('a key whose maker', () => {
  it('is made support may read, and write no longer; made a user, nothing; made an admin again, all', async () => {
    const { deputy, key } = await deputyWithKey();
    expect(await answers(key)).toEqual(both('200'));
    await setRoles(deputy, ['support']);
    expect(await answers(key)).toEqual(both('200'));
    expect(await answers(key, 'DELETE', `/v1/admin/users/${admin.id}`)).toEqual(both('403 forbidden'));
    await setRoles(deputy, ['user']);
    expect(await answers(key)).toEqual(both('403 forbidden'));
    await setRoles(deputy, ['admin']);
    expect(await answers(key)).toEqual(both('200'));
  });

  it('is suspended counts for nothing until they are back', async () => {
    const { deputy, key } = await deputyWithKey();
    await step(deputy, 'suspend');
    expect(await answers(key)).toEqual(both('401 invalid-token'));
    await step(deputy, 'reactivate');
    expect(await answers(key)).toEqual(both('200'));
  });

  it('is deleted counts for nothing, and is gone once they are', async () => {
    const { deputy, key } = await deputyWithKey();
    await admin.call('DELETE', `/v1/admin/users/${deputy.id}`);
    expect(await answers(key)).toEqual(both('401 invalid-token'));
    await transaction((tx) => removeUser(tx, SYSTEM, toId(deputy.id), {}));
    expect(await answers(key)).toEqual(both('401 invalid-token'));
    expect(await ApiKey.findById(key.id).lean()).toBeNull();
  });

  it('has been removed behind the service’s back counts for nothing', async () => {
    const { deputy, key } = await deputyWithKey();
    await User.deleteOne({ _id: deputy.id });
    expect(await answers(key)).toEqual(both('401 invalid-token'));
  });

  it('has not signed in for long goes on: that is no loss of rights', async () => {
    const { deputy, key } = await deputyWithKey();
    await User.updateOne({ _id: deputy.id }, { $set: { status: 'inactive' } });
    expect(await answers(key)).toEqual(both('200'));
  });
});

describe('a key', () => {
  it('that was deleted is refused at once, on every instance', async () => {
    const { key } = await deputyWithKey();
    expect(await answers(key)).toEqual(both('200'));
    expect(outcome(await admin.call('DELETE', `${KEYS}/${key.id}`))).toBe('204');
    expect(await answers(key)).toEqual(both('401 invalid-token'));
  });

  it('that has expired is refused in that very moment, while it is still stored', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const key = await apiKeyOf(here, admin, ['users:read'], { expiresAt });
    passTime(59_999);
    expect(await answers(key)).toEqual(both('200'));
    passTime(1);
    expect(await ApiKey.findById(key.id).lean()).not.toBeNull();
    expect(await answers(key)).toEqual(both('401 invalid-token'));
  });

  it('with another secret, or another prefix, is none', async () => {
    const [one, other] = [await apiKeyOf(here, admin, ['users:read']), await apiKeyOf(here, admin, ['users:read'])];
    const mixed = one.key.slice(0, 20) + other.key.slice(20);
    const wrong = one.key.slice(0, -1) + (one.key.endsWith('0') ? '1' : '0');
    for (const key of [mixed, wrong]) {
      const headers = { authorization: `Bearer ${key}` };
      expect(outcome(await one.call('GET', LIST, undefined, { headers }))).toBe('401 invalid-token');
    }
  });
});

describe('nobody gives what they lack', () => {
  const make = (who: Pick<Person, 'call'>, permissions: Permission[]) =>
    who.call('POST', KEYS, { name: 'x', permissions });

  it('support makes no key at all', async () => {
    const support = await person(here, { roles: ['support'] });
    expect(outcome(await make(support, ['users:read']))).toBe('403 forbidden');
  });

  it('a key makes no key, whatever it may do: what it made would outlive it', async () => {
    const key = await apiKeyOf(here, admin, ['api-keys:write', 'api-keys:read', 'users:read']);
    const before = await ApiKey.countDocuments();
    expect(outcome(await make(key, ['users:read']))).toBe('403 forbidden');
    expect(await ApiKey.countDocuments()).toBe(before);
  });

  it('a key gives no role that may more than itself, to a new account or an old one', async () => {
    const ada = await person(here);
    const weak = await apiKeyOf(here, admin, ['users:write', 'roles:write', 'users:read']);
    const give = (who: ApiKeyCaller, roles: string[]) => [
      who.call('PATCH', `/v1/admin/users/${ada.id}`, { roles }),
      who.call('POST', '/v1/admin/users', { email: freshEmail(), roles }),
    ];
    for (const role of ['support', 'admin'])
      for (const answer of give(weak, [role])) expect(outcome(await answer), role).toBe('403 forbidden');
    expect((await User.findById(ada.id).lean())?.roles).toEqual(['user']);

    const without = await apiKeyOf(here, admin, ['users:write']);
    for (const answer of give(without, ['user'])) expect(outcome(await answer)).toBe('403 forbidden');

    const enough = ROLE_PERMISSIONS['support'] ?? [];
    const strong = await apiKeyOf(here, admin, ['users:write', 'roles:write', ...enough]);
    for (const answer of give(strong, ['support'])) expect((await answer).statusCode).toBeLessThan(300);
  });
});

describe('roles that ask for two factors', () => {
  it('lend nothing to a key that was made in a session proven by one, also an older key', async () => {
    const { deputy, key } = await deputyWithKey();
    const strict = await here.another({ SECOND_FACTOR_ROLES: 'admin' });
    const ask = async (who: ApiKeyCaller) => outcome(await who.call('GET', LIST, undefined, { on: strict }));
    expect(await ask(key)).toBe('403 forbidden');
    await ApiKey.updateOne({ _id: key.id }, { $set: { authenticationMethods: ['pwd', 'otp', 'mfa'] } });
    expect(await ask(key)).toBe('200');
    expect(outcome(await deputy.call('POST', KEYS, { name: 'x', permissions: ['users:read'] }, { on: strict }))).toBe(
      '403 second-factor-required',
    );
  });
});
