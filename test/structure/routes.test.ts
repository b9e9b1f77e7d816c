import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '../../src/collections/index.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { LINK_PATHS } from '../../src/lib/mail/links.ts';
import { BODY_PROBLEMS, IDEMPOTENCY_PROBLEMS } from '../../src/schemas/common.ts';
import type { RouteEntry } from '../../src/types/fastify.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { listsOfCollections, withoutInput } from '../helpers/collections.ts';
import { openApiDocument } from '../helpers/openapi.ts';

const { document, operations } = await openApiDocument();

/** Pages for people, which are no part of the API. */
const PAGES = [
  '/',
  '/openapi.json',
  '/docs',
  '/pages/page.js',
  '/pages/page.css',
  ...LINK_PATHS.map((path) => `/${path}`),
];
const isPage = (url: string) => PAGES.includes(url) || url.startsWith('/docs/');

/** Public routes that go by who calls, where somebody does. */
const OPTIONAL_SESSION = ['POST /v1/email-changes/confirm', 'POST /v1/email-verifications/confirm'];

let service: TestApp;
let routes: Map<string, RouteEntry>;
beforeAll(async () => {
  service = await buildTestApp();
  routes = new Map(
    service.app.routeTable
      .filter(({ method, url }) => method !== 'HEAD' && !isPage(url))
      .map((route) => [`${route.method} ${route.url.replace(/:(\w+)/g, '{$1}')}`, route]),
  );
});
afterAll(() => service.close());

/** Requests that have nothing to say but that they are made. */
const WITHOUT_INPUT = [
  ...withoutInput(resources),
  'POST /v1/teams/{teamId}/leave',
  'POST /v1/admin/webhooks/{id}/deliveries/{deliveryId}/replay',
  'POST /v1/admin/webhooks/{id}/test',
  'POST /v1/reauthentication/options',
  'POST /v1/sessions/passkey/options',
  'POST /v1/users/me/deactivate',
  'POST /v1/users/me/factors/recovery-codes',
  'POST /v1/users/me/factors/totp',
  'POST /v1/users/me/passkeys/options',
];

const routeOf = (name: string): RouteEntry => {
  const route = routes.get(name);
  if (!route) throw new Error(`${name} is documented and not registered`);
  return route;
};

it('every route is documented, and every operation is a route', () => {
  expect(operations.map(({ name }) => name).sort()).toEqual([...routes.keys()].sort());
});

it('every operation has an id of its own', () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id ?? ''))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});

describe.each(operations)('$name', (operation) => {
  const { name, method, path, problems, responses, parameters = [] } = operation;
  const takes = (place: string, parameter: string) =>
    parameters.some((each) => each.in === place && each.name.toLowerCase() === parameter);

  it('has a summary, a tag of the list and at least one success', () => {
    expect(operation.summary).toMatch(/^[A-Z].*[^.]$/);
    expect(operation.tags).toHaveLength(1);
    expect(document.tags.map((tag) => tag.name)).toContain(operation.tags?.[0]);
    expect(Object.keys(responses).some((status) => /^[23]/.test(status))).toBe(true);
    for (const [status, { description }] of Object.entries(responses)) expect(description, status).toMatch(/\S/);
  });

  it('asks for what its scope asks for', () => {
    const { access, permission, recent, sessionOnly } = routeOf(name);
    const signedIn = [{ accessToken: [] }, { sessionCookie: [] }];
    const byKey = access === 'admin' && !sessionOnly ? [{ apiKey: [] }] : [];
    const needed = access === 'public' ? [] : [...signedIn, ...byKey];
    expect(operation.security).toEqual(OPTIONAL_SESSION.includes(name) ? [{}, ...signedIn] : needed);
    expect(access === 'admin').toBe(permission !== undefined);
    if (permission) expect(operation.description).toContain(`\`${permission}\``);
    if (access === 'recently-authenticated' || recent) expect(operation.description).toContain('10 minutes');
  });

  it('documents the problems that its scope and its input bring along', () => {
    const { access, permission, recent } = routeOf(name);
    const limited = path.startsWith('/v1/');
    const keyed = takes('header', 'idempotency-key');
    const expected: (readonly ErrorCode[] | false)[] = [
      limited && ['validation-failed', 'rate-limited', 'internal-error', 'overloaded', 'unavailable'],
      access !== 'public' && ['unauthenticated', 'invalid-token'],
      access !== 'public' && method !== 'GET' && ['foreign-origin'],
      OPTIONAL_SESSION.includes(name) && ['invalid-token', 'foreign-origin'],
      permission !== undefined && ['forbidden', 'second-factor-required'],
      (access === 'recently-authenticated' || recent) && ['reauthentication-required'],
      operation.requestBody !== undefined && BODY_PROBLEMS,
      keyed && IDEMPOTENCY_PROBLEMS,
      limited && method === 'POST' && !keyed && ['idempotency-not-supported'],
      takes('header', 'if-match') && ['precondition-failed'],
      takes('query', 'cursor') && ['invalid-cursor'],
      path.includes('{') && ['not-found'],
    ];
    expect(Object.keys(problems)).toEqual(expect.arrayContaining(expected.filter((codes) => codes !== false).flat()));
  });

  it('gives its problems as problem documents', () => {
    // Readiness is told to machines that read nothing but the status.
    for (const [status, { content = {} }] of Object.entries(responses))
      if (status >= '400' && path !== '/readyz')
        expect(content, status).toEqual({
          'application/problem+json': expect.objectContaining({ schema: { $ref: '#/components/schemas/Problem' } }),
        });
  });

  it('names every parameter of its path', () => {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    expect(parameters.filter((each) => each.in === 'path').map((each) => each.name)).toEqual(inPath);
  });

  it('takes a body where its method has one', () => {
    const hasBody = ['POST', 'PUT', 'PATCH'].includes(method) && !WITHOUT_INPUT.includes(name);
    expect(operation.requestBody !== undefined).toBe(hasBody);
  });
});

it('a list is paged', () => {
  const lists = operations.filter(
    ({ method, parameters = [] }) => method === 'GET' && parameters.some(({ name }) => name === 'cursor'),
  );
  expect(lists.map(({ name }) => name)).toEqual([
    'GET /v1/sessions',
    'GET /v1/users/me/activity',
    'GET /v1/admin/users',
    'GET /v1/admin/users/{id}/sessions',
    'GET /v1/admin/api-keys',
    'GET /v1/admin/audit-events',
    'GET /v1/admin/users/{id}/audit-events',
    'GET /v1/admin/webhooks',
    'GET /v1/admin/webhooks/{id}/deliveries',
    'GET /v1/admin/backups',
    ...listsOfCollections(resources),
  ]);
  for (const { name, parameters = [] } of lists)
    expect(parameters.find((each) => each.name === 'limit')?.schema, name).toMatchObject({
      minimum: 1,
      maximum: 100,
      default: 20,
    });
});

it('every way to sign in lets a browser ask for cookies, and tells of them', () => {
  const signedIn = '#/components/schemas/SignedIn';
  // A provider sends browsers to the callback, and none of it is a client's to ask for.
  const ways = operations.filter(
    ({ path, responses }) => !path.endsWith('/callback') && JSON.stringify(responses['201'] ?? '').includes(signedIn),
  );
  expect(ways.map(({ name }) => name)).toEqual(expect.arrayContaining(['POST /v1/sessions']));
  for (const { name, problems, responses, requestBody } of ways) {
    const [, body = ''] = /#\/components\/schemas\/(\w+)/.exec(JSON.stringify(requestBody)) ?? [];
    expect(document.components.schemas[body]?.['properties'], name).toHaveProperty('transport');
    expect(responses['201'], name).toHaveProperty('headers.Set-Cookie');
    expect(Object.keys(problems), name).toContain('foreign-origin');
  }
});
