// A1: a route that somebody forgot to guard. Elsewhere a new endpoint was public because nothing said otherwise, or an
// admin route asked for a sign-in and no more (OWASP API5: broken function level authorisation). Here the policy below
// is compared with every route that is registered, and each route is tried by everybody; a route that stands in no
// scope, or an admin route without a permission, does not boot.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/app.ts';
import { PERMISSIONS } from '../../src/lib/permissions.ts';
import { guard } from '../../src/plugins/authentication.ts';
import type { Access, App } from '../../src/types/fastify.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { ID_OF_NOTHING } from '../helpers/operations.ts';
import { age, call, type Person, person, signIn } from '../helpers/people.ts';

/** Who may call what. A change here is a decision: a permission in brackets is one that an admin's scope asks for. */
const POLICY: Record<string, Access | `admin [${string}]`> = {
  'GET /': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /.well-known/jwks.json': 'public',
  'GET /openapi.json': 'public',
  'GET /problems': 'public',
  'GET /problems/:code': 'public',
  'GET /pages/page.css': 'public',
  'GET /pages/page.js': 'public',
  'GET /verify-email': 'public',
  'GET /reject-sign-up': 'public',
  'GET /reset-password': 'public',
  'GET /choose-password': 'public',
  'GET /confirm-email': 'public',
  'GET /magic-link': 'public',
  'POST /v1/users': 'public',
  'POST /v1/sessions': 'public',
  'POST /v1/sessions/refresh': 'public',
  'POST /v1/sessions/identity': 'public',
  'GET /v1/identities': 'public',
  'GET /v1/identities/:provider/authorize': 'public',
  'GET /v1/identities/:provider/callback': 'public',
  'POST /v1/identities/:provider/callback': 'public',
  'POST /v1/sessions/magic-link': 'public',
  'POST /v1/sessions/magic-link/confirm': 'public',
  'POST /v1/email-verifications': 'public',
  'POST /v1/email-verifications/confirm': 'public',
  'POST /v1/email-verifications/reject': 'public',
  'POST /v1/email-changes/confirm': 'public',
  'POST /v1/password-resets': 'public',
  'POST /v1/password-resets/confirm': 'public',
  'POST /v1/sessions/mfa': 'public',
  'POST /v1/sessions/mfa/passkey-options': 'public',
  'POST /v1/sessions/passkey/options': 'public',
  'POST /v1/sessions/passkey': 'public',
  'GET /v1/users/me': 'signed-in',
  'PATCH /v1/users/me': 'signed-in',
  'PUT /v1/users/me/password': 'signed-in',
  'GET /v1/sessions': 'signed-in',
  'DELETE /v1/sessions': 'signed-in',
  'DELETE /v1/sessions/current': 'signed-in',
  'DELETE /v1/sessions/:id': 'signed-in',
  'GET /v1/users/me/identities': 'signed-in',
  'POST /v1/users/me/identities': 'signed-in',
  'POST /v1/users/me/identities/:provider/authorize': 'recently-authenticated',
  'DELETE /v1/users/me/identities/:id': 'recently-authenticated',
  'PUT /v1/users/me/email': 'recently-authenticated',
  'POST /v1/reauthentication': 'signed-in',
  'POST /v1/reauthentication/options': 'signed-in',
  'GET /v1/users/me/factors': 'signed-in',
  'GET /v1/users/me/passkeys': 'signed-in',
  'GET /v1/users/me/passkeys/:id': 'signed-in',
  'PATCH /v1/users/me/passkeys/:id': 'signed-in',
  'DELETE /v1/users/me': 'recently-authenticated',
  'POST /v1/users/me/factors/totp': 'recently-authenticated',
  'POST /v1/users/me/factors/totp/confirm': 'recently-authenticated',
  'DELETE /v1/users/me/factors/totp': 'recently-authenticated',
  'POST /v1/users/me/factors/recovery-codes': 'recently-authenticated',
  'POST /v1/users/me/passkeys/options': 'recently-authenticated',
  'POST /v1/users/me/passkeys': 'recently-authenticated',
  'DELETE /v1/users/me/passkeys/:id': 'recently-authenticated',
  'GET /v1/admin/jobs': 'admin [operations:read]',
  'GET /v1/admin/users': 'admin [users:read]',
  'POST /v1/admin/users': 'admin [users:write]',
  'GET /v1/admin/users/:id': 'admin [users:read]',
  'PATCH /v1/admin/users/:id': 'admin [users:write]',
  'DELETE /v1/admin/users/:id': 'admin [users:write]',
  'GET /v1/admin/users/:id/sessions': 'admin [sessions:read]',
  'DELETE /v1/admin/users/:id/sessions': 'admin [sessions:write]',
  'POST /v1/admin/users/:id/password-reset': 'admin [password-resets:write]',
  'POST /v1/admin/users/:id/suspend': 'admin [users:write]',
  'POST /v1/admin/users/:id/reactivate': 'admin [users:write]',
  'POST /v1/admin/users/:id/restore': 'admin [users:write]',
  'GET /v1/admin/webhooks': 'admin [webhooks:read]',
  'POST /v1/admin/webhooks': 'admin [webhooks:write]',
  'GET /v1/admin/webhooks/:id': 'admin [webhooks:read]',
  'PATCH /v1/admin/webhooks/:id': 'admin [webhooks:write]',
  'DELETE /v1/admin/webhooks/:id': 'admin [webhooks:write]',
  'POST /v1/admin/webhooks/:id/rotate-secret': 'admin [webhooks:write]',
  'POST /v1/admin/webhooks/:id/test': 'admin [webhooks:write]',
  'GET /v1/admin/webhooks/:id/deliveries': 'admin [webhooks:read]',
  'POST /v1/admin/webhooks/:id/deliveries/:deliveryId/replay': 'admin [webhooks:write]',
};

/** The documentation's own pages. */
const isPage = (url: string) => url === '/docs' || url.startsWith('/docs/');

const EVERYBODY = ['anonymous', 'user', 'support', 'admin', 'admin signed in long ago'] as const;
type Caller = (typeof EVERYBODY)[number];

type Answers = Record<Caller, 'in' | 401 | 403>;

const WHOEVER_IS_SIGNED_IN: Answers = {
  anonymous: 401,
  user: 'in',
  support: 'in',
  admin: 'in',
  'admin signed in long ago': 'in',
};
const STAFF: Answers = { ...WHOEVER_IS_SIGNED_IN, user: 403 };
const ADMINS: Answers = { ...STAFF, support: 403 };

/** What each is answered at the door; `in` is whatever the route itself says. */
const AT_THE_DOOR: Record<string, Answers> = {
  public: { ...WHOEVER_IS_SIGNED_IN, anonymous: 'in' },
  'signed-in': WHOEVER_IS_SIGNED_IN,
  'recently-authenticated': { ...WHOEVER_IS_SIGNED_IN, 'admin signed in long ago': 403 },
  'admin [users:read]': STAFF,
  'admin [sessions:read]': STAFF,
  'admin [sessions:write]': STAFF,
  'admin [password-resets:write]': STAFF,
  'admin [users:write]': ADMINS,
  'admin [operations:read]': ADMINS,
  'admin [webhooks:read]': ADMINS,
  'admin [webhooks:write]': ADMINS,
};

let service: TestApp;
const people: Partial<Record<Caller, Person>> = {};
beforeAll(async () => {
  service = await buildTestApp();
  people.user = await person(service);
  people.support = await person(service, { roles: ['support'] });
  people.admin = await person(service, { roles: ['admin'] });
  people['admin signed in long ago'] = await person(service, { roles: ['admin'] });
  await age(people['admin signed in long ago'].sessionId, 11);
});
afterAll(() => service.close());

it('the registered routes are those of the policy, each at its level', () => {
  const registered = service.app.routeTable
    .filter(({ method, url }) => method !== 'HEAD' && !isPage(url))
    .map(({ method, url, access, permission }) => [
      `${method} ${url}`,
      permission ? `${access} [${permission}]` : String(access),
    ]);
  expect(Object.fromEntries(registered)).toEqual(POLICY);
  expect(registered).toHaveLength(Object.keys(POLICY).length);
});

it('a HEAD route stands where its GET does, and a page of the documentation is public', () => {
  const { routeTable } = service.app;
  for (const head of routeTable.filter(({ method, url }) => method === 'HEAD' && !isPage(url)))
    expect(routeTable).toContainEqual({ ...head, method: 'GET' });
  for (const page of routeTable.filter(({ url }) => isPage(url))) expect(page.access, page.url).toBe('public');
});

it('the permissions that routes ask for exist', () => {
  const asked = service.app.routeTable.flatMap(({ permission }) => permission ?? []);
  for (const permission of asked) expect(PERMISSIONS).toContain(permission);
});

/** Nothing happens even where the caller gets in: there is no such id, no such version, and no body. */
const harmless = { 'if-match': '"0"' };

async function knock(route: string, who: Person | undefined): Promise<'in' | 401 | 403> {
  const [method = '', url = ''] = route.split(' ');
  const { statusCode } = await call(
    service,
    method as 'GET',
    url.replace(':id', ID_OF_NOTHING).replace(':code', 'not-found').replace(':provider', 'nobody'),
    undefined,
    { headers: { ...harmless, ...who?.headers } },
  );
  expect(statusCode, route).toBeLessThan(500);
  return statusCode === 401 || statusCode === 403 ? statusCode : 'in';
}

/** Signing out works, so whoever tries it does so in a session of its own. */
const signsOut = (route: string) => ['DELETE /v1/sessions', 'DELETE /v1/sessions/current'].includes(route);

describe.each(EVERYBODY)('%s', (caller) => {
  it('gets in where the policy says so, and nowhere else', async () => {
    const answers: Record<string, unknown> = {};
    const order = Object.keys(POLICY).sort((a, b) => Number(signsOut(a)) - Number(signsOut(b)));
    for (const route of order) {
      const own = people[caller];
      answers[route] = await knock(route, own && signsOut(route) ? await signIn(service, own.email) : own);
    }
    const declared = Object.entries(POLICY).map(([route, level]) => [route, AT_THE_DOOR[level]?.[caller]]);
    expect(answers).toEqual(Object.fromEntries(declared));
  });
});

describe('does not boot:', () => {
  const boot = async (extend: (app: App) => unknown) => {
    const app = await buildApp(service.config, service.deps);
    try {
      extend(app);
      await app.ready();
    } finally {
      await app.close();
    }
  };
  const handler = async () => ({});

  it('a route in no scope', async () => {
    await expect(boot((app) => app.get('/v1/forgotten', handler))).rejects.toThrow('/v1/forgotten');
  });

  it.each(['signed-in', 'recently-authenticated', 'admin'] as const)(
    'a route that says %s, in no scope that would see to it',
    async (access) => {
      const config = { access, permission: 'users:read' } as const;
      await expect(boot((app) => app.get('/v1/boastful', { config }, handler))).rejects.toThrow('/v1/boastful');
    },
  );

  it('an admin route without a permission', async () => {
    const scope = async (app: App) => {
      guard(app, 'admin');
      app.get('/v1/admin/open', handler);
    };
    await expect(boot((app) => app.register(scope))).rejects.toThrow('names no permission');
  });
});

it('a scope has the last word about its routes', async () => {
  const app = await buildApp(service.config, service.deps);
  await app.register(async (scope: App) => {
    guard(scope, 'admin');
    scope.get('/v1/admin/sly', { config: { access: 'public', permission: 'users:read' } }, async () => ({}));
  });
  await app.ready();
  expect((await app.inject('/v1/admin/sly')).statusCode).toBe(401);
  await app.close();
});
