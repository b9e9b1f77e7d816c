// A2: mass assignment. Elsewhere a sign-up with `"role": "admin"` or `"emailVerified": true` in its body made an admin,
// because the body was stored as it came. Here a body that names what it may not write is refused whole, nothing stored.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { attempt, type Operation, operationsOf, takesBody } from '../helpers/operations.ts';
import { age, dump, type Person, person } from '../helpers/people.ts';

/** Names that other services took, and some that this one could come to have. */
const ELSEWHERE = {
  isAdmin: true,
  admin: true,
  role: 'admin',
  permissions: ['*'],
  verified: true,
  ownerId: 1,
  mfa: false,
};

/** Everything stored, by its name: what no body sets unless its schema says so. */
const STORED = Object.fromEntries(
  collections.flatMap(({ model }) => Object.keys(model.schema.paths)).map((path) => [path.split('.')[0] ?? path, 'x']),
);

const FORBIDDEN: Record<string, unknown> = {
  ...STORED,
  ...ELSEWHERE,
  roles: ['admin'],
  emailVerified: true,
  status: 'active',
  createdAt: '2020-01-01T00:00:00.000Z',
  id: '0'.repeat(24),
};

let service: TestApp;
let admin: Person;
let operations: Operation[];
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  operations = operationsOf(service);
});
afterAll(() => service.close());

/** All that is stored, but for the counters of requests. */
const stored = () => dump({ except: ['rate_limits'] });

/** Where the schema of a body takes a value of that name. */
const takes = ({ body = {}, textPlaces }: Operation, name: string) =>
  name in body || textPlaces.some(({ pointer }) => pointer.split('/')[1] === name) || name === 'metadata';

it('the list holds what the account itself may never write', () => {
  const needed = ['roles', 'emailVerified', 'status', 'userId', 'passwordHash', 'createdAt', 'legalHold', 'revision'];
  expect(Object.keys(FORBIDDEN)).toEqual(expect.arrayContaining(needed));
});

/** No more at once than a problem document lists. */
const chunks = (names: string[]): string[][] =>
  names.length === 0 ? [] : [names.slice(0, 40), ...chunks(names.slice(40))];

it('every body that names one is refused at that name, and nothing is stored', async () => {
  let refusals = 0;
  for (const operation of operations.filter(takesBody))
    for (const names of chunks(Object.keys(FORBIDDEN).filter((name) => !takes(operation, name)))) {
      await age(admin.sessionId, 0);
      const before = await stored();
      const extra = Object.fromEntries(names.map((name) => [name, FORBIDDEN[name]]));
      const refused = await attempt(service, operation, admin, { ...operation.body, ...extra });
      expect([refused.statusCode, refused.json().code], operation.name).toEqual([400, 'validation-failed']);
      const found = refused.json().errors.map(({ pointer, code }: Record<string, string>) => `${pointer} ${code}`);
      expect(found.sort(), operation.name).toEqual(names.map((name) => `/${name} unknown-property`).sort());
      expect(await stored(), operation.name).toBe(before);
      refusals += names.length;
    }
  expect(refusals).toBeGreaterThan(200);
});

it('no account writes its own roles: only admins give any', async () => {
  const bodies = operations
    .filter(takesBody)
    .filter(({ textPlaces }) => textPlaces.some(({ pointer }) => pointer.startsWith('/roles')));
  expect(bodies.map(({ name }) => name)).toEqual(['POST /v1/admin/users', 'PATCH /v1/admin/users/{id}']);
});

it('an operation without a body takes none, and a query sets nothing', async () => {
  for (const operation of operations) {
    const query = await attempt(service, operation, admin, operation.body, {
      query: { emailVerified: 'yes', roles: 'admin' },
    });
    expect([query.statusCode, query.json().code], operation.name).toEqual([400, 'validation-failed']);
    if (takesBody(operation) || operation.method === 'GET' || operation.name.endsWith('/callback')) continue;
    const body = await attempt(service, operation, admin, { roles: ['admin'] });
    expect([body.statusCode, body.json().code], operation.name).toEqual([400, 'validation-failed']);
  }
});
