// A1: a route that somebody forgot to guard. Elsewhere a new endpoint was public because nothing said otherwise, or an
// admin route asked for a sign-in and no more (OWASP API5: broken function level authorisation). Here the policy below
// is compared with every route that is registered, and each route is tried by everybody. (a1-undeclared-routes.test.ts
// tells of routes that stand in no scope.)

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '../../src/collections/index.ts';
import { accessDocument, CALLERS } from '../../src/documents/access.ts';
import { PERMISSIONS } from '../../src/lib/permissions.ts';
import type { Access, RouteEntry } from '../../src/types/fastify.ts';
import { apiKeyOf } from '../helpers/api-keys.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { policyOfCollections } from '../helpers/collections.ts';
import { ID_OF_NOTHING } from '../helpers/operations.ts';
import { age, call, type Person, person, signIn } from '../helpers/people.ts';

/**
 * Who may call what. A change here is a decision: a permission in brackets is one that an admin's scope asks for,
 * `recently` asks for a recent sign-in as well.
 */
const POLICY: Record<string, Access | 'public, told who calls' | `admin [${string}]${string}`> = {
  ...policyOfCollections(resources),
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
  'POST /v1/email-verifications/confirm': 'public, told who calls',
  'POST /v1/email-verifications/reject': 'public',
  'POST /v1/email-changes/confirm': 'public, told who calls',
  'POST /v1/password-resets': 'public',
  'POST /v1/password-resets/confirm': 'public',
  'POST /v1/sessions/mfa': 'public',
  'POST /v1/sessions/mfa/passkey-options': 'public',
  'POST /v1/sessions/passkey/options': 'public',
  'POST /v1/sessions/passkey': 'public',
  'GET /v1/users/me': 'signed-in',
  'PATCH /v1/users/me': 'signed-in',
  'PUT /v1/users/me/password': 'signed-in',
  'GET /v1/users/me/activity': 'signed-in',
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
  'POST /v1/users/me/deactivate': 'recently-authenticated',
  'GET /v1/users/me/export': 'recently-authenticated',
  'POST /v1/users/me/passkeys/options': 'recently-authenticated',
  'POST /v1/users/me/passkeys': 'recently-authenticated',
  'DELETE /v1/users/me/passkeys/:id': 'recently-authenticated',
  'GET /v1/admin/api-keys': 'admin [api-keys:read]',
  'POST /v1/admin/api-keys': 'admin [api-keys:write] recently, no API key',
  'GET /v1/admin/api-keys/:id': 'admin [api-keys:read]',
  'PATCH /v1/admin/api-keys/:id': 'admin [api-keys:write]',
  'DELETE /v1/admin/api-keys/:id': 'admin [api-keys:write] recently',
  'GET /v1/admin/backups': 'admin [operations:read]',
  'GET /v1/admin/jobs': 'admin [operations:read]',
  'GET /v1/admin/retention': 'admin [operations:read]',
  'POST /v1/admin/users/:id/erase': 'admin [users:erase] recently',
  'POST /v1/admin/users/:id/hold': 'admin [users:erase]',
  'POST /v1/admin/users/:id/release': 'admin [users:erase]',
  'GET /v1/admin/audit-events': 'admin [audit:read]',
  'GET /v1/admin/audit-events/verification': 'admin [audit:read]',
  'GET /v1/admin/users/:id/audit-events': 'admin [audit:read]',
  'GET /v1/admin/statistics': 'admin [statistics:read]',
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
  'POST /v1/admin/webhooks': 'admin [webhooks:write] recently',
  'GET /v1/admin/webhooks/:id': 'admin [webhooks:read]',
  'PATCH /v1/admin/webhooks/:id': 'admin [webhooks:write]',
  'DELETE /v1/admin/webhooks/:id': 'admin [webhooks:write]',
  'POST /v1/admin/webhooks/:id/rotate-secret': 'admin [webhooks:write] recently',
  'POST /v1/admin/webhooks/:id/test': 'admin [webhooks:write]',
  'GET /v1/admin/webhooks/:id/deliveries': 'admin [webhooks:read]',
  'POST /v1/admin/webhooks/:id/deliveries/:deliveryId/replay': 'admin [webhooks:write]',
  'POST /v1/teams/:teamId/leave': 'signed-in',
  'POST /v1/teams/:teamId/transfer': 'signed-in',
  'POST /v1/admin/teams/:teamId/transfer': 'admin [collections:write]',
  'POST /v1/invitations/accept': 'signed-in',
  'GET /accept-invitation': 'public',
};

/** The documentation's own pages. */
const isPage = (url: string) => url === '/docs' || url.startsWith('/docs/');

const EVERYBODY = [
  'anonymous',
  'user',
  'support',
  'admin',
  'admin signed in long ago',
  'an API key with every permission',
  'an API key of a demoted admin',
] as const;
type Caller = (typeof EVERYBODY)[number];

type Answers = Record<Caller, 'in' | 401 | 403>;

const WHOEVER_IS_SIGNED_IN: Answers = {
  anonymous: 401,
  user: 'in',
  support: 'in',
  admin: 'in',
  'admin signed in long ago': 'in',
  'an API key with every permission': 401,
  'an API key of a demoted admin': 401,
};
const STAFF: Answers = {
  ...WHOEVER_IS_SIGNED_IN,
  user: 403,
  'an API key with every permission': 'in',
  'an API key of a demoted admin': 403,
};
const ADMINS: Answers = { ...STAFF, support: 403 };
const NOT_LONG_AGO = { 'admin signed in long ago': 403 } as const;
const NO_API_KEY = { 'an API key with every permission': 403 } as const;

/** What each is answered at the door; `in` is whatever the route itself says. */
const AT_THE_DOOR: Record<string, Answers> = {
  public: Object.fromEntries(EVERYBODY.map((caller) => [caller, 'in'])) as Answers,
  // An API key is no session: it is refused like any other token that is none.
  'public, told who calls': { ...WHOEVER_IS_SIGNED_IN, anonymous: 'in' },
  'signed-in': WHOEVER_IS_SIGNED_IN,
  'recently-authenticated': { ...WHOEVER_IS_SIGNED_IN, ...NOT_LONG_AGO },
  'admin [users:read]': STAFF,
  'admin [sessions:read]': STAFF,
  'admin [sessions:write]': STAFF,
  'admin [password-resets:write]': STAFF,
  'admin [audit:read]': STAFF,
  'admin [users:write]': ADMINS,
  'admin [operations:read]': ADMINS,
  'admin [users:erase]': ADMINS,
  'admin [users:erase] recently': { ...ADMINS, ...NOT_LONG_AGO },
  'admin [api-keys:read]': ADMINS,
  'admin [statistics:read]': ADMINS,
  'admin [api-keys:write]': ADMINS,
  'admin [api-keys:write] recently': { ...ADMINS, ...NOT_LONG_AGO },
  'admin [api-keys:write] recently, no API key': { ...ADMINS, ...NOT_LONG_AGO, ...NO_API_KEY },
  'admin [webhooks:read]': ADMINS,
  'admin [webhooks:write]': ADMINS,
  'admin [webhooks:write] recently': { ...ADMINS, ...NOT_LONG_AGO },
  'admin [collections:read]': ADMINS,
  'admin [collections:write]': ADMINS,
};

let service: TestApp;
const people: Partial<Record<Caller, Pick<Person, 'headers'> & Partial<Person>>> = {};
beforeAll(async () => {
  service = await buildTestApp();
  people.user = await person(service);
  people.support = await person(service, { roles: ['support'] });
  people.admin = await person(service, { roles: ['admin'] });
  const longAgo = await person(service, { roles: ['admin'] });
  people['admin signed in long ago'] = longAgo;
  const admin = await person(service, { roles: ['admin'] });
  people['an API key with every permission'] = await apiKeyOf(service, admin, PERMISSIONS);
  const demoted = await person(service, { roles: ['admin'] });
  people['an API key of a demoted admin'] = await apiKeyOf(service, demoted, PERMISSIONS);
  await admin.call('PATCH', `/v1/admin/users/${demoted.id}`, { roles: ['user'] });
  await age(longAgo.sessionId, 11);
});
afterAll(() => service.close());

const levelOf = ({ access, permission, role, recent, sessionOnly, optionalSession }: RouteEntry) =>
  [
    `${access}${permission ? ` [${permission}]` : role ? ` [role ${role}]` : ''}${recent ? ' recently' : ''}`,
    ...(sessionOnly ? ['no API key'] : []),
    ...(optionalSession ? ['told who calls'] : []),
  ].join(', ');

it('the registered routes are those of the policy, each at its level', () => {
  const registered = service.app.routeTable
    .filter(({ method, url }) => method !== 'HEAD' && !isPage(url))
    .map((route) => [`${route.method} ${route.url}`, levelOf(route)]);
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

async function knock(route: string, who: Pick<Person, 'headers'> | undefined): Promise<'in' | 401 | 403> {
  const [method = '', url = ''] = route.split(' ');
  const { statusCode } = await call(
    service,
    method as 'GET',
    url
      .replace(':code', 'not-found')
      .replace(':provider', 'nobody')
      .replaceAll(/:(id|\w+Id)\b/g, ID_OF_NOTHING),
    undefined,
    { headers: { ...harmless, ...who?.headers } },
  );
  expect(statusCode, route).toBeLessThan(500);
  return statusCode === 401 || statusCode === 403 ? statusCode : 'in';
}

/** Signing out works, so whoever tries it does so in a session of its own. */
const signsOut = (route: string) => ['DELETE /v1/sessions', 'DELETE /v1/sessions/current'].includes(route);

/** What the document says that a caller is answered, by route. */
function documented(caller: Caller): Record<string, 'in' | 401 | 403> {
  const column = COLUMNS[caller];
  const rows = accessDocument(service.app.routeTable)
    .split('\n')
    .filter((line) => /^\| `[A-Z]+ \//.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const answer = (cell: string | undefined) => {
    if (cell === 'recent') return caller === 'admin signed in long ago' ? 403 : 'in';
    return cell === 'yes' ? 'in' : cell === '401' ? 401 : 403;
  };
  // Before the columns of callers stand the edge of the table, the route, its level and its permission.
  const at = 4 + CALLERS.indexOf(column ?? '');
  return Object.fromEntries(rows.map((cells) => [cells[1]?.replaceAll('`', ''), answer(cells[at])]));
}

/** The column of the document that is about a caller; of a key whose maker is no admin any more there is none. */
const COLUMNS: Partial<Record<Caller, string>> = {
  anonymous: 'anonymous',
  user: 'user',
  support: 'support',
  admin: 'admin',
  'admin signed in long ago': 'admin',
  'an API key with every permission': 'API key',
};

describe.each(EVERYBODY)('%s', (caller) => {
  it('gets in where the policy says so, and nowhere else', async () => {
    const answers: Record<string, unknown> = {};
    const order = Object.keys(POLICY).sort((a, b) => Number(signsOut(a)) - Number(signsOut(b)));
    for (const route of order) {
      const own = people[caller];
      answers[route] = await knock(route, own?.email && signsOut(route) ? await signIn(service, own.email) : own);
    }
    const declared = Object.entries(POLICY).map(([route, level]) => [route, AT_THE_DOOR[level]?.[caller]]);
    expect(answers).toEqual(Object.fromEntries(declared));
    if (COLUMNS[caller]) expect(documented(caller)).toEqual(answers);
  });
});
