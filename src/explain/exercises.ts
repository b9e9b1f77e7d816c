import { randomUUID } from 'node:crypto';
import { resources } from '../collections/index.ts';
import { LINK_PATHS } from '../lib/mail/links.ts';
import { REFRESH_COOKIE } from '../plugins/session-cookies.ts';
import { API_KEY_EXERCISES } from './exercise-api-keys.ts';
import { AUDIT_EXERCISES } from './exercise-audit.ts';
import { FACTOR_EXERCISES } from './exercise-factors.ts';
import { IDENTITY_EXERCISES } from './exercise-identities.ts';
import { LIFECYCLE_EXERCISES } from './exercise-lifecycle.ts';
import { MAILED_EXERCISES } from './exercise-mailed.ts';
import { resourceExercises } from './exercise-resources.ts';
import { TEAM_EXERCISES } from './exercise-teams.ts';
import { exerciseUserList } from './exercise-user-list.ts';
import { WEBHOOK_EXERCISES } from './exercise-webhooks.ts';
import { type Exercise, PASSWORD, type Person, type Scene, type SceneRequest } from './scene.ts';

/** A route that is the same for everybody and all parameters. */
const plain =
  (url: string): Exercise =>
  async (scene) => {
    await scene.send({ method: 'GET', url });
  };

/** What a browser says of a request that a page of the service itself sends, and the session that it brings along. */
const fromOwnPage = ({ refreshToken }: Person) => ({
  'sec-fetch-site': 'same-origin',
  cookie: `${REFRESH_COOKIE}=${refreshToken}`,
});

const keyed = () => ({ 'idempotency-key': randomUUID() });

/** The first request under a key, and its retry. */
async function twice(scene: Scene, request: SceneRequest): Promise<void> {
  const headers = keyed();
  for (let time = 0; time < 2; time++) await scene.send({ ...request, headers });
}

const changeStatus =
  (step: 'suspend' | 'reactivate' | 'restore', before?: 'suspend' | 'delete'): Exercise =>
  async (scene) => {
    const as = await scene.admin();
    const { id } = await scene.person();
    const url = `/v1/admin/users/${id}`;
    const body = { reason: 'to see how the database does it' };
    if (before === 'suspend') await scene.prepare({ method: 'POST', url: `${url}/suspend`, as, body });
    if (before === 'delete') await scene.prepare({ method: 'DELETE', url, as });
    await twice(scene, { method: 'POST', url: `${url}/${step}`, as, body });
    await scene.send({ method: 'POST', url: `${url}/${step}`, as, body, expect: 409 });
  };

/** The representative requests of every route, by `<method> <url>`. A test fails for a route that is missing. */
export const EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  'GET /': plain('/'),
  'GET /healthz': plain('/healthz'),
  'GET /readyz': plain('/readyz'),
  'GET /.well-known/jwks.json': plain('/.well-known/jwks.json'),
  'GET /problems': plain('/problems'),
  'GET /problems/:code': plain('/problems/not-found'),
  'GET /openapi.json': plain('/openapi.json'),
  'GET /docs/': plain('/docs/'),
  'GET /docs/json': plain('/docs/json'),
  'GET /docs/yaml': plain('/docs/yaml'),
  'GET /docs/static/*': plain('/docs/static/index.css'),
  'GET /docs/static/index.html': plain('/docs/static/index.html'),
  'GET /docs/static/swagger-initializer.js': plain('/docs/static/swagger-initializer.js'),
  'GET /pages/page.js': plain('/pages/page.js'),
  'GET /pages/page.css': plain('/pages/page.css'),
  ...Object.fromEntries(LINK_PATHS.map((path) => [`GET /${path}`, plain(`/${path}`)])),

  async 'POST /v1/users'(scene) {
    const request = { method: 'POST', url: '/v1/users' } as const;
    const email = `${randomUUID()}@example.com`;
    await twice(scene, { ...request, body: { email, password: PASSWORD, firstName: 'Ada' } });
    await scene.send({ ...request, body: { email, password: PASSWORD }, expect: 409 });
  },

  async 'POST /v1/sessions'(scene) {
    const request = { method: 'POST', url: '/v1/sessions' } as const;
    const { email } = await scene.nextAccount();
    await scene.send({ ...request, body: { email, password: PASSWORD } });
    const headers = fromOwnPage(await scene.person());
    await scene.send({ ...request, headers, body: { email, password: PASSWORD, transport: 'cookie' } });
    await scene.send({ ...request, body: { email, password: 'wrong' }, expect: 401 });
    await scene.send({ ...request, body: { email: `${randomUUID()}@example.com`, password: 'any' }, expect: 401 });
  },

  async 'POST /v1/sessions/refresh'(scene) {
    const request = { method: 'POST', url: '/v1/sessions/refresh' } as const;
    const { refreshToken } = await scene.person();
    const first = await scene.send({ ...request, body: { refreshToken } });
    // A retry gets the same successor; once that has been used, the first token is a stolen one.
    await scene.send({ ...request, body: { refreshToken } });
    await scene.prepare({ ...request, body: { refreshToken: first.json().refreshToken } });
    await scene.send({ ...request, body: { refreshToken }, expect: 401 });
    await scene.send({ ...request, headers: fromOwnPage(await scene.person()), body: {} });
  },

  async 'GET /v1/sessions'(scene) {
    const request = { method: 'GET', url: '/v1/sessions' } as const;
    const as = await scene.person();
    await scene.prepare({ method: 'POST', url: '/v1/sessions', body: { email: as.email, password: PASSWORD } });
    const first = await scene.send({ ...request, as, query: { limit: '1' } });
    await scene.send({ ...request, as, query: { limit: '1', cursor: first.json().nextCursor } });
  },

  async 'DELETE /v1/sessions'(scene) {
    await scene.send({ method: 'DELETE', url: '/v1/sessions', as: await scene.person() });
  },

  async 'DELETE /v1/sessions/current'(scene) {
    await scene.send({ method: 'DELETE', url: '/v1/sessions/current', as: await scene.person() });
  },

  async 'DELETE /v1/sessions/:id'(scene) {
    const as = await scene.person();
    await scene.send({ method: 'DELETE', url: `/v1/sessions/${as.sessionId}`, as });
  },

  async 'GET /v1/users/me'(scene) {
    await scene.send({ method: 'GET', url: '/v1/users/me', as: await scene.person() });
  },

  async 'PATCH /v1/users/me'(scene) {
    const request = { method: 'PATCH', url: '/v1/users/me', as: await scene.person() } as const;
    const body = { firstName: 'Ada', lastName: null };
    const { headers } = await scene.send({ ...request, body });
    await scene.send({ ...request, body, headers: { 'if-match': String(headers['etag']) } });
    await scene.send({ ...request, body, headers: { 'if-match': '"0"' }, expect: 412 });
  },

  async 'PUT /v1/users/me/password'(scene) {
    const request = { method: 'PUT', url: '/v1/users/me/password', as: await scene.person() } as const;
    const newPassword = `${PASSWORD}!`;
    await scene.send({ ...request, body: { currentPassword: 'wrong', newPassword }, expect: 403 });
    await scene.send({ ...request, body: { currentPassword: PASSWORD, newPassword } });
  },

  async 'DELETE /v1/users/me'(scene) {
    // The last admin would have to stay.
    await scene.admin();
    await scene.send({ method: 'DELETE', url: '/v1/users/me', as: await scene.person(['user', 'admin']) });
  },

  ...FACTOR_EXERCISES,
  ...IDENTITY_EXERCISES,

  async 'GET /v1/admin/backups'(scene) {
    await scene.send({ method: 'GET', url: '/v1/admin/backups', as: await scene.admin() });
  },

  async 'GET /v1/admin/jobs'(scene) {
    await scene.send({ method: 'GET', url: '/v1/admin/jobs', as: await scene.admin() });
  },

  async 'GET /v1/admin/statistics'(scene) {
    const query = { from: '2026-01-01', to: '2026-02-01' };
    await scene.send({ method: 'GET', url: '/v1/admin/statistics', as: await scene.admin(), query });
  },

  'GET /v1/admin/users': exerciseUserList,

  async 'GET /v1/admin/users/:id'(scene) {
    const { id } = await scene.person();
    await scene.send({ method: 'GET', url: `/v1/admin/users/${id}`, as: await scene.admin() });
  },

  async 'PATCH /v1/admin/users/:id'(scene) {
    const { id } = await scene.person(['user', 'admin']);
    const request = { method: 'PATCH', url: `/v1/admin/users/${id}`, as: await scene.admin() } as const;
    await scene.send({ ...request, body: { firstName: 'Ada', metadata: { plan: 'pro' } } });
    await scene.send({ ...request, body: { roles: ['user'] } });
    await scene.send({ ...request, body: { lastName: 'Hopper', roles: ['user', 'support'] } });
  },

  async 'DELETE /v1/admin/users/:id'(scene) {
    const { id } = await scene.person(['user', 'admin']);
    const request = { method: 'DELETE', url: `/v1/admin/users/${id}`, as: await scene.admin() } as const;
    await scene.send(request);
    await scene.send({ ...request, expect: 409 });
  },

  async 'POST /v1/admin/users'(scene) {
    const request = { method: 'POST', url: '/v1/admin/users', as: await scene.admin() } as const;
    const email = `${randomUUID()}@example.com`;
    await scene.send({ ...request, body: { email, firstName: 'Ada', roles: ['user', 'support'] } });
    await scene.send({ ...request, body: { email }, expect: 409 });
  },

  async 'POST /v1/admin/users/:id/password-reset'(scene) {
    const { id } = await scene.person();
    await scene.send({ method: 'POST', url: `/v1/admin/users/${id}/password-reset`, as: await scene.admin() });
  },

  async 'GET /v1/admin/users/:id/sessions'(scene) {
    const { id, email } = await scene.person();
    await scene.prepare({ method: 'POST', url: '/v1/sessions', body: { email, password: PASSWORD } });
    const request = { method: 'GET', url: `/v1/admin/users/${id}/sessions`, as: await scene.admin() } as const;
    const first = await scene.send({ ...request, query: { limit: '1' } });
    await scene.send({ ...request, query: { limit: '1', cursor: first.json().nextCursor } });
  },

  async 'DELETE /v1/admin/users/:id/sessions'(scene) {
    const { id } = await scene.person();
    await scene.send({ method: 'DELETE', url: `/v1/admin/users/${id}/sessions`, as: await scene.admin() });
  },

  ...AUDIT_EXERCISES,
  ...MAILED_EXERCISES,
  ...API_KEY_EXERCISES,

  ...LIFECYCLE_EXERCISES,
  ...WEBHOOK_EXERCISES,
  ...resourceExercises(resources),
  ...TEAM_EXERCISES,

  'POST /v1/admin/users/:id/suspend': changeStatus('suspend'),
  'POST /v1/admin/users/:id/reactivate': changeStatus('reactivate', 'suspend'),
  'POST /v1/admin/users/:id/restore': changeStatus('restore', 'delete'),
});
