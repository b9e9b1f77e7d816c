// R6: ending the same thing twice at once. Elsewhere the second request met a record that was gone and failed with 500,
// or did its work and its bookkeeping a second time. Here the end comes once, is told of once, and whoever came later
// is answered as somebody who came later.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuditAction, AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { inParallel, tally } from '../helpers/parallel.ts';
import { type Person, person, signIn } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let admin: Person;
let ada: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  [admin, ada] = [await person(here, { roles: ['admin'] }), await person(here)];
});
afterAll(() => here.close());

const MANY = 10;
const told = (id: string, action: AuditAction) => AuditEvent.countDocuments({ 'target.id': id, action });

/** The same request many times at once, on both instances. */
const all = async (who: Person, method: 'DELETE' | 'POST', url: string, body?: unknown) =>
  tally(await inParallel([here, there], MANY, (on) => who.call(method, url, body, { on })));

/** How often each of the allowed outcomes came; any other fails. */
function only(counts: Record<string, number>, ...allowed: string[]): number[] {
  expect(Object.keys(counts).filter((each) => !allowed.includes(each))).toEqual([]);
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(MANY);
  return allowed.map((each) => counts[each] ?? 0);
}

it('parallel sign-outs of a session are one', async () => {
  const phone = await signIn(here, ada.email);
  const [done] = only(await all(phone, 'DELETE', '/v1/sessions/current'), '204', '401 invalid-token');
  expect(done).toBeGreaterThan(0);
  expect(await Session.exists({ _id: phone.sessionId })).toBeNull();
  expect(await told(phone.sessionId, 'session.ended')).toBe(1);
});

it('a session ended from elsewhere many times is ended once', async () => {
  const phone = await signIn(here, ada.email);
  const [done] = only(await all(ada, 'DELETE', `/v1/sessions/${phone.sessionId}`), '204', '404 not-found');
  expect(done).toBe(1);
  expect(await told(phone.sessionId, 'session.ended')).toBe(1);
});

it('parallel sign-outs everywhere are one', async () => {
  const bob = await person(here);
  await signIn(there, bob.email);
  const [done] = only(await all(bob, 'DELETE', '/v1/sessions'), '204', '401 invalid-token');
  expect(done).toBeGreaterThan(0);
  expect(await Session.countDocuments({ userId: bob.id })).toBe(0);
  expect(await told(bob.id, 'session.ended')).toBe(1);
});

it('parallel deletions of the own account are one', async () => {
  const bob = await person(here);
  const [done] = only(await all(bob, 'DELETE', '/v1/users/me'), '204', '401 invalid-token');
  expect(done).toBe(1);
  expect(await User.findById(bob.id).lean()).toMatchObject({ status: 'deleted', revision: 2 });
  expect(await told(bob.id, 'user.deleted')).toBe(1);
});

it.each([
  ['DELETE', '', 'user.deleted', '204'],
  ['POST', '/suspend', 'user.suspended', '200'],
] as const)('parallel %s%s by an admin is one', async (method, step, action, success) => {
  const bob = await person(here);
  const body = method === 'POST' ? { reason: 'x' } : undefined;
  const [done] = only(
    await all(admin, method, `/v1/admin/users/${bob.id}${step}`, body),
    success,
    '409 invalid-status',
  );
  expect(done).toBe(1);
  expect(await told(bob.id, action)).toBe(1);
  expect(await User.findById(bob.id).lean()).toMatchObject({ revision: 2 });
});
