// A7: an authorisation check that fails open. Elsewhere an exception while permissions were looked up was caught, logged
// and taken for "no objection". Here whoever cannot be told to be allowed is not: when the look-up throws, for want of
// a database or over a record that nobody foresaw, no handler runs.

import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, disconnect } from '../../src/database.ts';
import { PERMISSIONS } from '../../src/lib/permissions.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { toId } from '../../src/models/ids.ts';
import { Session } from '../../src/models/session.ts';
import { apiKeyOf } from '../helpers/api-keys.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { attempt, type Operation, operationsOf } from '../helpers/operations.ts';
import { outcome } from '../helpers/parallel.ts';
import { dump, type Person, person, signIn } from '../helpers/people.ts';

let service: TestApp;
let admin: Person;
let operations: Operation[];
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  operations = operationsOf(service).filter(({ signedIn }) => signedIn);
});
afterAll(() => service.close());

/** Stored past every validator, as a bug or a hand in the database would. */
async function spoil(sessionId: string, $set: Record<string, unknown>) {
  const options = { bypassDocumentValidation: true };
  await Session.collection.updateOne({ _id: new mongoose.Types.ObjectId(sessionId) }, { $set }, options);
}

it('there is something to deny', () => {
  expect(operations.length).toBeGreaterThan(12);
});

describe.each([
  ['roles that are no list', { roles: 7 }],
  ['no roles', { roles: null }],
  ['an owner that is no id', { userId: 'somebody' }],
  ['ends that are no dates', { expiresAt: 'never', idleExpiresAt: 'never' }],
])('a session with %s', (_what, damage) => {
  it('opens no admin route, and nothing is stored', async () => {
    const broken = await signIn(service, admin.email);
    await spoil(broken.sessionId, damage);
    const before = await dump({ except: ['rate_limits'] });
    for (const operation of operations.filter(({ name }) => name.includes('/admin/'))) {
      const { statusCode } = await attempt(service, operation, broken, operation.body);
      expect(statusCode, operation.name).toBeOneOf([401, 403, 500]);
    }
    expect(await dump({ except: ['rate_limits'] })).toBe(before);
  });
});

describe.each([['a role of nobody'], ['constructor'], ['__proto__'], ['toString']])(
  'a session with the role %s',
  (role) => {
    it('may what nobody may', async () => {
      const odd = await signIn(service, admin.email);
      await spoil(odd.sessionId, { roles: [role] });
      expect(outcome(await odd.call('GET', '/v1/admin/users'))).toBe('403 forbidden');
    });
  },
);

describe.each([
  ['permissions that are no list', { permissions: 'users:read' }],
  ['no permissions', { permissions: null }],
  ['permissions of nobody', { permissions: ['constructor', '__proto__', '*', {}, null] }],
  ['a maker that is no id', { userId: 'somebody' }],
  ['an end that is no date', { expiresAt: 'never' }],
  ['a hash that is none', { hash: null }],
  ['no way that its maker was proven by', { authenticationMethods: null }],
])('an API key with %s', (_what, damage) => {
  it('opens no admin route, and nothing is stored', async () => {
    const { id, headers } = await apiKeyOf(service, admin, PERMISSIONS);
    const strict = await service.another({ SECOND_FACTOR_ROLES: 'admin' });
    await ApiKey.collection.updateOne({ _id: toId(id) }, { $set: damage }, { bypassDocumentValidation: true });
    const before = await dump({ except: ['rate_limits', 'audit_events', 'journal'] });
    for (const operation of operations.filter(({ name }) => name.includes('/admin/'))) {
      const options = { headers };
      const { statusCode } = await attempt(strict, { ...operation, signedIn: false }, admin, operation.body, options);
      expect(statusCode, operation.name).toBeOneOf([401, 403, 500]);
    }
    await strict.app.settled();
    expect(await dump({ except: ['rate_limits', 'audit_events', 'journal'] })).toBe(before);
  });
});

it('without a database every protected operation is 503, never a success and never 401', async () => {
  // Verified and remembered: what is missing is the look-up alone.
  expect(outcome(await admin.call('GET', '/v1/admin/users'))).toBe('200');
  const robot = await apiKeyOf(service, admin, ['users:read']);
  expect(outcome(await robot.call('GET', '/v1/admin/users'))).toBe('200');
  await service.app.settled();
  await disconnect();
  try {
    expect(outcome(await robot.call('GET', '/v1/admin/users'))).toBe('503 unavailable');
    for (const operation of operations)
      expect(outcome(await attempt(service, operation, admin, operation.body)), operation.name).toBe('503 unavailable');
  } finally {
    await connect(service.config.MONGODB_URI ?? '', service.config);
  }
  expect(outcome(await admin.call('GET', '/v1/admin/users'))).toBe('200');
});
