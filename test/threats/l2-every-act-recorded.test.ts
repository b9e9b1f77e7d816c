// L2: a change that nobody can be asked about. Elsewhere a route was added and its audit event forgotten, or one of
// several ways to the same change wrote none. Here every route that changes anything, or shows other people's data, is
// driven through its exercise, and has to have written events that say who, what, when, from where and how it ended.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { SCENE_PROVIDERS } from '../../src/explain/exercise-identities.ts';
import { EXERCISES } from '../../src/explain/exercises.ts';
import { Scene } from '../../src/explain/scene.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { personalValues } from '../helpers/audit.ts';

/** Requests that change nothing of anybody's: the first half of something, whose second half is recorded. */
const NOTHING_YET = [
  'POST /v1/email-verifications',
  'POST /v1/reauthentication/options',
  'POST /v1/sessions/mfa/passkey-options',
  'POST /v1/sessions/passkey/options',
  'POST /v1/users/me/factors/totp',
  'POST /v1/users/me/identities/:provider/authorize',
  'POST /v1/users/me/passkeys/options',
];

/** What is about no person: the service itself, its keys, its numbers. */
const NOBODYS = [
  'GET /v1/admin/api-keys',
  'GET /v1/admin/api-keys/:id',
  'GET /v1/admin/backups',
  'GET /v1/admin/jobs',
  'GET /v1/admin/retention',
  'GET /v1/admin/statistics',
  'GET /v1/admin/webhooks',
  'GET /v1/admin/webhooks/:id',
  'GET /v1/admin/webhooks/:id/deliveries',
];

let service: TestApp;
let routes: string[];
const recorded = new Set<string>();
beforeAll(async () => {
  service = await buildTestApp({ IDENTITY_PROVIDERS: SCENE_PROVIDERS });
  routes = service.app.routeTable
    .filter(({ method, access }) => method !== 'HEAD' && (method !== 'GET' || access === 'admin'))
    .map(({ method, url }) => `${method} ${url}`);
  const scene = new Scene(service.app);
  for (const route of routes) {
    scene.recorded.length = 0;
    await EXERCISES[route]?.(scene);
    const sent = scene.recorded.flatMap((request) => request.sent);
    if (sent.some(({ name, collection }) => name === 'insert' && collection === 'audit_events')) recorded.add(route);
  }
}, 240_000);
afterAll(() => service.close());

it('whatever changes anything, or shows data of others, is recorded', () => {
  expect(routes.length).toBeGreaterThan(40);
  const silent = routes.filter((route) => !recorded.has(route) && !NOBODYS.includes(route));
  expect(silent.sort()).toEqual(NOTHING_YET);
});

it('every record says who, what, when, from where and how it ended', async () => {
  await service.app.tellDenials();
  const events = await AuditEvent.find({ 'actor.type': { $in: ['user', 'anonymous'] } }).lean();
  expect(events.length).toBeGreaterThan(100);
  for (const event of events) {
    const { actor, action, outcome, target, at, reason } = event;
    expect([actor.type, action, outcome, target.collection].every((part) => part.length > 0)).toBe(true);
    expect(Math.abs(Date.now() - at.getTime())).toBeLessThan(300_000);
    if (outcome !== 'success') expect(reason, action).toMatch(/^[a-z-]+$/);
    if (actor.type === 'user') expect(actor.id, action).toBeDefined();
    // Of whoever was erased meanwhile, the address is gone.
    const erased = event.commitment != null && event.personal == null;
    expect(personalValues(service, event).ip, action).toBe(erased ? undefined : '127.0.0.1');
    if (event.count == null) expect(event.requestId, action).toBeDefined();
  }
});

it('how it ended is one of success, failure and denial, and there are all of them', async () => {
  expect((await AuditEvent.distinct('outcome')).sort()).toEqual(['denied', 'failure', 'success']);
});
