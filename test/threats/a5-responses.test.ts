// A5: a response that says more than it should. Elsewhere a record went out as it was stored, with the password hash, a
// token or an internal flag in it (OWASP API3: broken object property level authorisation). Here every operation is
// made to answer, every answer is exactly what the OpenAPI document says, and no stored secret is in any.

import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import type { LightMyRequestResponse as Response } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Credential } from '../../src/models/credential.ts';
import { Session } from '../../src/models/session.ts';
import { SigningKey } from '../../src/models/signing-key.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, Device } from '../helpers/factors.ts';
import { age, call, freshEmail, PASSWORD, type Person, person, refresh, signIn } from '../helpers/people.ts';

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
  await see('DELETE /v1/users/me', last.call('DELETE', '/v1/users/me', undefined, stale));
  await see('DELETE /v1/users/me', last.call('DELETE', '/v1/users/me'));
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
}

const FACTORS = '/v1/users/me/factors';
const PASSKEYS = '/v1/users/me/passkeys';

async function withApp() {
  const ada = await person(service);
  const confirm = `POST ${FACTORS}/totp/confirm`;
  await see(`GET ${FACTORS}`, ada.call('GET', FACTORS));
  await see(confirm, ada.call('POST', `${FACTORS}/totp/confirm`, { code: '123456' }));
  const [begun] = await see(`POST ${FACTORS}/totp`, ada.call('POST', `${FACTORS}/totp`));
  const { secret } = begun?.json() ?? {};
  await see(confirm, ada.call('POST', `${FACTORS}/totp/confirm`, { code: 'no code' }));
  const [confirmed] = await see(confirm, ada.call('POST', `${FACTORS}/totp/confirm`, { code: codeOf(secret) }));
  const { recoveryCodes } = confirmed?.json() ?? {};
  await see(`POST ${FACTORS}/totp`, ada.call('POST', `${FACTORS}/totp`));
  await see(`GET ${FACTORS}`, ada.call('GET', FACTORS));
  await see('POST /v1/sessions', post('/v1/sessions', { email: ada.email, password: PASSWORD }));
  const mfa = async (method: string, code: string) =>
    post('/v1/sessions/mfa', { challenge: await challengeFor(service, ada.email), method, code });
  await see('POST /v1/sessions/mfa', mfa('totp', 'no code'), mfa('passkey', 'a code'));
  await see('POST /v1/sessions/mfa', mfa('recovery-code', recoveryCodes[0]));
  await see('POST /v1/sessions/mfa', post('/v1/sessions/mfa', { challenge: 'x', method: 'totp', code: '123456' }));
  const prove = (body: unknown) => ada.call('POST', '/v1/reauthentication', body);
  await see(
    'POST /v1/reauthentication',
    prove({ password: PASSWORD }),
    prove({ method: 'totp', code: 'no code' }),
    prove({ method: 'totp', code: codeOf(secret, 1) }),
    prove({ password: PASSWORD, code: '123456' }),
  );
  await see(`POST ${FACTORS}/recovery-codes`, ada.call('POST', `${FACTORS}/recovery-codes`));
  await see(`DELETE ${FACTORS}/totp`, ada.call('DELETE', `${FACTORS}/totp`));
  await see(`DELETE ${FACTORS}/totp`, ada.call('DELETE', `${FACTORS}/totp`));
  await see('POST /v1/reauthentication', prove({ password: 'wrong' }));
  await age(ada.sessionId, 11);
  await see(`POST ${FACTORS}/recovery-codes`, ada.call('POST', `${FACTORS}/recovery-codes`));
}

async function withPasskey() {
  const [ada, device] = [await person(service), new Device()];
  const [options] = await see(`POST ${PASSKEYS}/options`, ada.call('POST', `${PASSKEYS}/options`));
  const credential = device.create(options?.json());
  const add = () => ada.call('POST', PASSKEYS, { credential });
  const [added] = await see(`POST ${PASSKEYS}`, add());
  await see(`POST ${PASSKEYS}`, add(), ada.call('POST', PASSKEYS, { credential: {} }));
  const own = `${PASSKEYS}/${added?.json().passkey.id}`;
  const stale = { headers: { 'if-match': '"stale"' } };
  await see(`GET ${PASSKEYS}`, ada.call('GET', PASSKEYS));
  await see(`GET ${PASSKEYS}/{id}`, ada.call('GET', own), ada.call('GET', `${PASSKEYS}/${'0'.repeat(24)}`));
  await see(
    `PATCH ${PASSKEYS}/{id}`,
    ada.call('PATCH', own, { name: 'Telephone' }),
    ada.call('PATCH', own, { name: '<b></b>' }),
    ada.call('PATCH', own, { name: 'Telephone' }, stale),
  );
  const [begun] = await see('POST /v1/sessions/passkey/options', post('/v1/sessions/passkey/options'));
  const assertion = device.get(begun?.json());
  await see('POST /v1/sessions/passkey', post('/v1/sessions/passkey', { assertion }));
  await see('POST /v1/sessions/passkey', post('/v1/sessions/passkey', { assertion }));
  const challenge = await challengeFor(service, ada.email);
  const forMfa = await see(
    'POST /v1/sessions/mfa/passkey-options',
    post('/v1/sessions/mfa/passkey-options', { challenge }),
  );
  const second = { challenge, method: 'passkey', assertion: device.get(forMfa[0]?.json()) };
  await see('POST /v1/sessions/mfa', post('/v1/sessions/mfa', second));
  await see('POST /v1/sessions/mfa/passkey-options', post('/v1/sessions/mfa/passkey-options', { challenge }));
  const again = await see('POST /v1/reauthentication/options', ada.call('POST', '/v1/reauthentication/options'));
  const proof = { assertion: device.get(again[0]?.json()) };
  await see('POST /v1/reauthentication', ada.call('POST', '/v1/reauthentication', proof));
  await see('POST /v1/reauthentication', ada.call('POST', '/v1/reauthentication', proof));
  await see(`DELETE ${PASSKEYS}/{id}`, ada.call('DELETE', own, undefined, stale));
  await see(`DELETE ${PASSKEYS}/{id}`, ada.call('DELETE', own));
}

stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
  paths = (service.app.swagger() as unknown as { paths: Paths }).paths;
  await asAnybody();
  await asOwner();
  await asAdmin();
  await withApp();
  await withPasskey();
});
afterAll(() => service.close());

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
    if (response.statusCode === 204) {
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
  const secrets = [
    ...users.map(({ passwordHash }) => passwordHash ?? 'none'),
    ...sessions.flatMap(({ seed, refreshTokenHash }) => [seed, refreshTokenHash]),
    ...keys.map(({ privateJwk }) => privateJwk),
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
