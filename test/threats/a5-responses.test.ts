// A5: a response that says more than it should. Elsewhere a record went out as it was stored, with the password hash, a
// token or an internal flag in it (OWASP API3: broken object property level authorisation). Here every operation is
// made to answer, every answer is exactly what the OpenAPI document says, and no stored secret is in any.

import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import type { LightMyRequestResponse as Response } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiKey } from '../../src/models/api-key.ts';
import { Credential } from '../../src/models/credential.ts';
import { Session } from '../../src/models/session.ts';
import { SigningKey } from '../../src/models/signing-key.ts';
import { User } from '../../src/models/user.ts';
import { Webhook } from '../../src/models/webhook.ts';
import type { World } from '../helpers/answers.ts';
import { aboutAudit } from '../helpers/answers-about-audit.ts';
import { aboutActivity, byApiKey } from '../helpers/answers-by-admin.ts';
import { byIdentity } from '../helpers/answers-by-identity.ts';
import { asAdminByMail, byMail } from '../helpers/answers-by-mail.ts';
import { ofCollections } from '../helpers/answers-of-collections.ts';
import { withApp, withPasskey } from '../helpers/answers-with-factors.ts';
import { withWebhooks } from '../helpers/answers-with-webhooks.ts';
import type { TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { openBrowser } from '../helpers/cookie-jar.ts';
import { type IdentityService, startIdentityService } from '../helpers/identities.ts';
import { call, freshEmail, PASSWORD, type Person, person, refresh, signIn } from '../helpers/people.ts';

interface Documented {
  readonly content?: Record<string, { readonly schema?: unknown; readonly examples?: Record<string, unknown> }>;
}
type Paths = Record<string, Record<string, { readonly responses: Record<string, Documented> }>>;

let service: TestApp;
let paths: Paths;
const seen: { operation: string; response: Response }[] = [];

/** Requests to one operation, by its name in the document. */
const see = async (operation: string, ...requests: Promise<Response>[]): Promise<Response[]> => {
  const responses = await Promise.all(requests);
  seen.push(...responses.map((response) => ({ operation, response })));
  return responses;
};

const get = (url: string) => call(service, 'GET', url);
const post = (url: string, body?: unknown, headers = {}) => call(service, 'POST', url, body, { headers });

async function asAnybody() {
  const email = freshEmail();
  const key = { 'idempotency-key': 'a-key' };
  await see('GET /healthz', get('/healthz'));
  await see('GET /readyz', get('/readyz'));
  const [keys] = await see('GET /.well-known/jwks.json', get('/.well-known/jwks.json'));
  const known = { headers: { 'if-none-match': String(keys?.headers['etag']) } };
  await see('GET /.well-known/jwks.json', call(service, 'GET', '/.well-known/jwks.json', undefined, known));
  await see('GET /problems', get('/problems'));
  await see('GET /problems/{code}', get('/problems/forbidden'), get('/problems/nothing'));
  await see('POST /v1/users', post('/v1/users', { email, password: PASSWORD, firstName: 'Ada' }, key));
  await see(
    'POST /v1/users',
    post('/v1/users', { email, password: PASSWORD, firstName: 'Ada' }, key),
    post('/v1/users', { email, password: PASSWORD }),
    post('/v1/users', { email: freshEmail(), password: 'short' }),
    post('/v1/users', { email: 1 }),
    post('/v1/users', 'text', { 'content-type': 'text/plain' }),
    post('/v1/users', { email: freshEmail(), password: PASSWORD }, { 'idempotency-key': ' ' }),
    post('/v1/users', { email, password: 'x'.repeat(70_000) }),
  );
  await see(
    'POST /v1/sessions',
    post('/v1/sessions', { email, password: PASSWORD }),
    post('/v1/sessions', { email, password: 'wrong' }),
    post('/v1/sessions', { email, password: PASSWORD }, key),
  );
  const ada = await signIn(service, email);
  const [first] = await see('POST /v1/sessions/refresh', refresh(service, ada.refreshToken));
  await refresh(service, first?.json().refreshToken);
  await see('POST /v1/sessions/refresh', refresh(service, ada.refreshToken));
  await see('POST /v1/sessions/refresh', refresh(service, ada.refreshToken), post('/v1/sessions/refresh'));
}

async function asBrowser() {
  const { email } = await person(service);
  const browser = openBrowser(service);
  const foreign = { headers: { origin: 'https://evil.example' } };
  const body = { email, password: PASSWORD, transport: 'cookie' };
  await see('POST /v1/sessions', browser.call('POST', '/v1/sessions', body));
  await see('POST /v1/sessions/refresh', browser.call('POST', '/v1/sessions/refresh', {}));
  await see('GET /v1/sessions', browser.call('GET', '/v1/sessions'));
  await see('POST /v1/sessions', browser.call('POST', '/v1/sessions', body, foreign));
  await see('POST /v1/sessions/refresh', browser.call('POST', '/v1/sessions/refresh', {}, foreign));
  await see('PATCH /v1/users/me', browser.call('PATCH', '/v1/users/me', {}, foreign));
  await see('DELETE /v1/users/me', browser.call('DELETE', '/v1/users/me', undefined, foreign));
  await see('DELETE /v1/sessions/current', browser.call('DELETE', '/v1/sessions/current'));
}

async function asOwner() {
  const ada = await person(service);
  const patch = { firstName: 'Ada', metadata: { a: [1, { b: null }] }, avatarUrl: 'https://a.example/x.png' };
  const stale = { headers: { 'if-match': '"99"' } };
  const other = await signIn(service, ada.email);
  await see('PATCH /v1/users/me', ada.call('PATCH', '/v1/users/me', patch));
  await see(
    'PATCH /v1/users/me',
    ada.call('PATCH', '/v1/users/me', patch, stale),
    ada.call('PATCH', '/v1/users/me', {}),
  );
  await see('GET /v1/users/me', ada.call('GET', '/v1/users/me'), get('/v1/users/me'));
  await see('GET /v1/sessions', ada.call('GET', '/v1/sessions?limit=1'), ada.call('GET', '/v1/sessions?cursor=A'));
  await see(
    'DELETE /v1/sessions/{id}',
    ada.call('DELETE', `/v1/sessions/${other.sessionId}`),
    ada.call('DELETE', '/v1/sessions/x'),
    ada.call('DELETE', `/v1/sessions/${'0'.repeat(24)}`),
  );
  const password = (currentPassword: string, newPassword: string) =>
    ada.call('PUT', '/v1/users/me/password', { currentPassword, newPassword });
  await see('PUT /v1/users/me/password', password('wrong', 'an entirely new phrase'), password(PASSWORD, 'x'));
  await see('PUT /v1/users/me/password', password(PASSWORD, 'an entirely new phrase'));
  await see('DELETE /v1/sessions/current', ada.call('DELETE', '/v1/sessions/current'));
  await see('DELETE /v1/sessions/current', ada.call('DELETE', '/v1/sessions/current'));
  const again = await signIn(service, ada.email, 'an entirely new phrase');
  await see('DELETE /v1/sessions', again.call('DELETE', '/v1/sessions'));
  const last = await signIn(service, ada.email, 'an entirely new phrase');
  await see('GET /v1/users/me/export', last.call('GET', '/v1/users/me/export'), get('/v1/users/me/export'));
  const leave = (options?: typeof stale) => last.call('POST', '/v1/users/me/deactivate', undefined, options);
  await see('POST /v1/users/me/deactivate', leave(stale), leave(), leave());
  const back = await signIn(service, ada.email, 'an entirely new phrase');
  await see('DELETE /v1/users/me', back.call('DELETE', '/v1/users/me', undefined, stale));
  await see('DELETE /v1/users/me', back.call('DELETE', '/v1/users/me'));
}

async function asAdmin() {
  const admin: Person = await person(service, { roles: ['admin'] });
  const ada = await person(service);
  const url = `/v1/admin/users/${ada.id}`;
  await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada', lastName: 'L', metadata: { a: 1 } });
  const list = (query: string) => admin.call('GET', `/v1/admin/users${query}`);
  await see(
    'GET /v1/admin/users',
    list(''),
    list('?limit=1&total=true'),
    list('?sort=email&role=user'),
    list('?q=ada'),
  );
  const backups = (query = '') => admin.call('GET', `/v1/admin/backups${query}`);
  await see('GET /v1/admin/backups', backups(), backups('?cursor=x'), ada.call('GET', '/v1/admin/backups'));
  await see('GET /v1/admin/jobs', admin.call('GET', '/v1/admin/jobs'), ada.call('GET', '/v1/admin/jobs'));
  await see('GET /v1/admin/users', ada.call('GET', '/v1/admin/users'), list('?cursor=x'));
  await see('GET /v1/admin/users/{id}', admin.call('GET', url), admin.call('GET', `/v1/admin/users/${'0'.repeat(24)}`));
  await see('PATCH /v1/admin/users/{id}', admin.call('PATCH', url, { roles: ['user', 'support'] }));
  await see('PATCH /v1/admin/users/{id}', admin.call('PATCH', `/v1/admin/users/${admin.id}`, { roles: ['user'] }));
  const step = (name: string, body: unknown = { reason: 'x' }) =>
    see(`POST /v1/admin/users/{id}/${name}`, admin.call('POST', `${url}/${name}`, body));
  await step('suspend');
  await step('suspend');
  await step('suspend', {});
  await step('reactivate');
  await see('DELETE /v1/admin/users/{id}', admin.call('DELETE', url));
  await see(
    'DELETE /v1/admin/users/{id}',
    admin.call('DELETE', url),
    admin.call('DELETE', `/v1/admin/users/${admin.id}`),
  );
  await see('GET /v1/admin/users/{id}', admin.call('GET', url));
  await step('restore');
  await step('restore');
  await step('hold');
  await see('DELETE /v1/admin/users/{id}', admin.call('DELETE', url));
  await step('erase');
  await step('release');
  await step('erase');
  await step('erase');
  await step('hold');
  await see(
    'GET /v1/admin/retention',
    admin.call('GET', '/v1/admin/retention'),
    ada.call('GET', '/v1/admin/retention'),
  );
}

let running: IdentityService;
stopTheClock();
beforeAll(async () => {
  running = await startIdentityService();
  ({ service } = running);
  paths = (service.app.swagger() as unknown as { paths: Paths }).paths;
  await asAnybody();
  await asBrowser();
  await asOwner();
  await asAdmin();
  const world: World = { service, see, get, post };
  await byIdentity(world, running.idp);
  await byMail(world);
  await asAdminByMail(world);
  await aboutAudit(world);
  await byApiKey(world);
  await aboutActivity(world);
  await withApp(world);
  await withPasskey(world);
  await withWebhooks(world);
  await ofCollections(world);
});
afterAll(() => running.close());

const documented = (operation: string, status: number): Documented | undefined => {
  const [method = '', path = ''] = operation.split(' ');
  return paths[path]?.[method.toLowerCase()]?.responses[status];
};

const typeOf = ({ headers }: Response) => String(headers['content-type']).split(';')[0] ?? '';

it('every operation was seen to answer each of its successes', () => {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.keys(responses)
        .filter((status) => status < '400')
        .map((status) => `${method.toUpperCase()} ${path} ${status}`),
    ),
  );
  const successes = seen
    .filter(({ response }) => response.statusCode < 400)
    .map(({ operation, response }) => `${operation} ${response.statusCode}`);
  expect([...new Set(successes)].sort()).toEqual(operations.sort());
});

it('every answer is one that its operation documents, and equals its schema', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajvFormats.default(ajv);
  ajv.addSchema(service.app.swagger(), 'document');
  const pointer = (part: string | number) =>
    encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
  for (const { operation, response } of seen) {
    const what = `${operation} → ${response.statusCode} ${response.body}`;
    const answer = documented(operation, response.statusCode);
    expect(answer, what).toBeDefined();
    if (response.statusCode === 204 || Math.floor(response.statusCode / 100) === 3) {
      expect(response.body, what).toBe('');
      continue;
    }
    expect(Object.keys(answer?.content ?? {}), what).toContain(typeOf(response));
    const [method = '', path = ''] = operation.split(' ');
    const place = ['paths', path, method.toLowerCase(), 'responses', response.statusCode, 'content', typeOf(response)];
    const matches = ajv.validate({ $ref: `document#/${[...place, 'schema'].map(pointer).join('/')}` }, response.json());
    expect(matches ? null : ajv.errorsText(), what).toBeNull();
  }
});

it('every problem has a code that its operation documents', () => {
  const problems = seen.filter(({ response }) => response.statusCode >= 400);
  expect(problems.length).toBeGreaterThan(25);
  for (const { operation, response } of problems) {
    const { examples = {} } = documented(operation, response.statusCode)?.content?.[typeOf(response)] ?? {};
    expect(Object.keys(examples), `${operation} ${response.body}`).toContain(response.json().code);
  }
});

it('no answer holds a hash or a secret of the database', async () => {
  const users = await User.find().select('+passwordHash').lean();
  const sessions = await Session.find().lean();
  const keys = await SigningKey.find().lean();
  const credentials = await Credential.find().lean();
  const apiKeys = await ApiKey.find().lean();
  const webhooks = await Webhook.find().lean();
  const secrets = [
    ...users.flatMap(({ passwordHash }) => passwordHash ?? []),
    ...sessions.flatMap(({ seed, refreshTokenHash }) => [seed, refreshTokenHash]),
    ...keys.map(({ privateJwk }) => privateJwk),
    ...apiKeys.map(({ hash }) => hash),
    ...webhooks.flatMap(({ secret, previousSecret }) => [secret, previousSecret ?? []].flat()),
    ...credentials.flatMap(({ secret, codeHash, publicKey }) =>
      [secret, codeHash, publicKey].filter((each) => each != null),
    ),
  ];
  expect(secrets.length).toBeGreaterThan(8);
  for (const { operation, response } of seen) {
    expect(response.body, operation).not.toMatch(/\$argon2|\$2[aby]\$|password_?hash|privateJwk/i);
    for (const secret of secrets) expect(response.body.includes(secret), operation).toBe(false);
  }
});

it('closes every object that an answer is made of', () => {
  const { components } = service.app.swagger() as unknown as {
    components: { schemas: Record<string, { type?: string; additionalProperties?: unknown }> };
  };
  for (const [name, schema] of Object.entries(components.schemas))
    expect(schema.additionalProperties, name).toBe(false);
});
