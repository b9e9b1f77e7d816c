// A3: an id in a body, a query or a header that chooses who acts. Elsewhere `userId` beside the change was believed, and
// the caller acted as, or was recorded as, somebody else. Here the actor is whoever the session belongs to.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { attempt, operationsOf, takesBody } from '../helpers/operations.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';

let service: TestApp;
let ada: Person;
let victim: Person;
let admin: Person;
beforeAll(async () => {
  service = await buildTestApp();
  [ada, victim, admin] = [
    await person(service),
    await person(service, { roles: ['admin'] }),
    await person(service, { roles: ['admin'] }),
  ];
});
afterAll(() => service.close());

const NAMES = [
  'userId',
  'id',
  '_id',
  'sub',
  'actor',
  'actorId',
  'accountId',
  'user',
  'email_',
  'onBehalfOf',
  'sessionId',
];
const named = (value: unknown) => Object.fromEntries(NAMES.map((name) => [name, value]));

it('no body and no query takes an id of whoever acts', async () => {
  for (const operation of operationsOf(service)) {
    const body = takesBody(operation) ? { ...operation.body, ...named(victim.id) } : undefined;
    if (body) expect(outcome(await attempt(service, operation, ada, body)), operation.name).toBeOneOf(REFUSED);
    for (const name of ['userId', 'sub', 'id']) {
      const answer = await attempt(service, operation, ada, operation.body, { query: { [name]: victim.id } });
      expect(outcome(answer), `${operation.name}?${name}`).toBeOneOf(REFUSED);
    }
  }
});
/** Ada is no admin: there she is refused before her body is read. */
const REFUSED = ['400 validation-failed', '403 forbidden'];

it('headers that name somebody else change nothing', async () => {
  const headers = {
    ...Object.fromEntries(NAMES.map((name) => [`x-${name.replaceAll('_', '').toLowerCase()}`, victim.id])),
    'x-forwarded-user': victim.email,
    'x-remote-user': victim.email,
    'x-original-url': '/v1/admin/users',
    'x-http-method-override': 'DELETE',
    cookie: `session=${victim.accessToken}; sub=${victim.id}`,
  };
  const changed = await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada' }, { headers });
  expect(changed.json()).toMatchObject({ id: ada.id, firstName: 'Ada', roles: ['user'] });
  expect((await victim.call('GET', '/v1/users/me')).json()).not.toHaveProperty('firstName');
  expect(outcome(await ada.call('GET', '/v1/admin/users', undefined, { headers }))).toBe('403 forbidden');
});

it('each change is recorded as done by the owner of the session, to what the path names', async () => {
  await ada.call('PATCH', '/v1/users/me', { lastName: 'L' });
  await admin.call('PATCH', `/v1/admin/users/${ada.id}`, { lastName: 'M' });
  await admin.call('POST', `/v1/admin/users/${ada.id}/suspend`, { reason: victim.id });
  const events = await AuditEvent.find({ 'target.id': ada.id }).sort({ _id: -1 }).limit(3).lean();
  expect(events.reverse().map(({ action, actor }) => [action, String(actor.id)])).toEqual([
    ['user.updated', ada.id],
    ['user.updated', admin.id],
    ['user.suspended', admin.id],
  ]);
});
