// M1, for roles: an admin whose password was stolen. Elsewhere a second factor was up to each admin, or the console asked
// for it and the API did not, or a token that other services believe told of the role all the same. Here roles of
// `SECOND_FACTOR_ROLES` count only in sessions that were proven by two factors, in this service and in its tokens.

import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, Device, enrolPasskey, enrolTotp, secondStep, signedInBy } from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person, refresh } from '../helpers/people.ts';

const ADMIN_ROUTES = [
  ['GET', '/v1/admin/users'],
  ['GET', `/v1/admin/users/${'0'.repeat(24)}`],
  ['PATCH', `/v1/admin/users/${'0'.repeat(24)}`, { firstName: 'Ada' }],
  ['POST', `/v1/admin/users/${'0'.repeat(24)}/suspend`, { reason: 'x' }],
] as const;

let here: TestApp;
let there: TestApp;
let admin: Person;
stopTheClock();
beforeAll(async () => {
  here = await buildTestApp({ SECOND_FACTOR_ROLES: 'admin, support' });
  there = await here.another();
});
afterAll(() => here.close());
beforeEach(async () => {
  admin = await person(here, { roles: ['user', 'admin'] });
});

const rolesIn = (accessToken: string) => decodeJwt(accessToken)['roles'];

describe('an admin without a second factor', () => {
  it('is told so wherever the role would open the door', async () => {
    for (const [method, url, body] of ADMIN_ROUTES)
      for (const on of [here, there])
        expect(outcome(await admin.call(method, url, body, { on })), url).toBe('403 second-factor-required');
  });

  it('has tokens without the role, also after a refresh', async () => {
    expect(rolesIn(admin.accessToken)).toEqual(['user']);
    const refreshed = (await refresh(there, admin.refreshToken)).json();
    expect(rolesIn(refreshed.accessToken)).toEqual(['user']);
  });

  it('still reaches the own account, its sessions and its factors', async () => {
    for (const url of ['/v1/users/me', '/v1/sessions', '/v1/users/me/factors', '/v1/users/me/passkeys'])
      expect(outcome(await admin.call('GET', url)), url).toBe('200');
    expect((await admin.call('GET', '/v1/users/me')).json().roles).toEqual(['user', 'admin']);
  });
});

describe('a role that asks for nothing', () => {
  it('is refused what it does not give, in the usual words', async () => {
    const user = await person(here);
    await enrolTotp(user);
    for (const [method, url, body] of ADMIN_ROUTES)
      expect(outcome(await user.call(method, url, body)), url).toBe('403 forbidden');
    expect(rolesIn(user.accessToken)).toEqual(['user']);
  });

  it('goes on without a second factor where no role asks for one', async () => {
    const lax = await here.another({ SECOND_FACTOR_ROLES: '' });
    expect(outcome(await admin.call('GET', '/v1/admin/users', undefined, { on: lax }))).toBe('200');
  });
});

describe('the role counts', () => {
  it('in the session that adds an authenticator app, from then on and in its next token', async () => {
    await enrolTotp(admin);
    expect(outcome(await admin.call('GET', '/v1/admin/users', undefined, { on: there }))).toBe('200');
    const refreshed = (await refresh(here, admin.refreshToken)).json();
    expect(rolesIn(refreshed.accessToken)).toEqual(['user', 'admin']);
  });

  it('in a session that was opened with both', async () => {
    const { secret } = await enrolTotp(admin);
    const response = await secondStep(here, await challengeFor(here, admin.email), 'totp', codeOf(secret));
    const both = signedInBy(here, response, admin.email);
    expect(rolesIn(both.accessToken)).toEqual(['user', 'admin']);
    expect(outcome(await both.call('GET', '/v1/admin/users'))).toBe('200');
  });

  it('in one that a passkey opened', async () => {
    expect((await enrolPasskey(admin, new Device())).statusCode).toBe(201);
    expect(outcome(await admin.call('GET', '/v1/admin/users'))).toBe('200');
  });

  it('once it is given, not before, and for the granting too', async () => {
    await enrolTotp(admin);
    const support = await person(here, { roles: ['support'] });
    const promote = await admin.call('PATCH', `/v1/admin/users/${support.id}`, { roles: ['support', 'admin'] });
    expect(outcome(promote)).toBe('200');
    expect(outcome(await support.call('GET', '/v1/admin/users'))).toBe('403 second-factor-required');
    expect((await User.findById(support.id).lean())?.roles).toEqual(['support', 'admin']);
  });
});

it('a role that does not exist is no setting', () => {
  expect(() => loadConfig({ NODE_ENV: 'test', SECOND_FACTOR_ROLES: 'admin,root' })).toThrow(ConfigError);
});
