// L1: secrets that are written down. Elsewhere request bodies were logged on errors, tokens stood in logged URLs, and an
// audit trail kept what was typed into the field for the password. Here canaries are driven through every flow, the
// failing ones too, at the most talkative level, and none of them is in a log line, in the database or in an error.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { IdempotencyKey } from '../../src/models/idempotency-key.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { browse, callByKey, followMail, proveFactors, type Watch } from '../helpers/canary-flows.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { attempt, operationsOf } from '../helpers/operations.ts';
import { call, dump, freshEmail, type Person, signIn } from '../helpers/people.ts';

type Answer = Awaited<ReturnType<typeof call>>;

/** A route that fails as nobody foresaw, with all it was sent in the text of its error. */
const BROKEN = '/v1/broken';

let count = 0;
const secrets = new Set<string>();
const said = new Set<string>();

/** A password that nothing else resembles. */
function canary(): string {
  count += 1;
  const password = `canary bird number ${count} ${Math.random().toString(36).slice(2)} sings`;
  secrets.add(password);
  return password;
}

/** Remembers what an answer gave away on purpose, and keeps the answer when it is an error. */
function heard(response: Answer): Answer {
  if (response.statusCode >= 400) said.add(response.body);
  const { accessToken, refreshToken } = response.statusCode < 300 && response.body ? response.json() : {};
  const tokens: string[] = [accessToken, refreshToken, ...response.cookies.map(({ value }) => value)].filter(Boolean);
  // The parts as well: a signature is what makes a token.
  for (const token of tokens) secrets.add(token).add(token.split('.').at(-1) ?? '');
  return response;
}

let service: TestApp;
let email: string;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp({ LOG_LEVEL: 'trace' }, (app) => {
    const schema = { hide: true, body: { type: 'object' } };
    app.post(BROKEN, { config: { access: 'public' }, schema }, async ({ body, url, headers }) => {
      const sent = JSON.stringify({ body, url, headers });
      throw new Error(`cannot do ${sent}`, { cause: new TypeError(sent) });
    });
  });
  email = freshEmail('canary');
});
afterAll(() => service.close());

const post = async (url: string, body: unknown, headers = {}) =>
  heard(await call(service, 'POST', url, body, { headers }));

function raw(url: string, payload: string, headers: Record<string, string> = {}) {
  const sent = { 'content-type': 'application/json', ...headers };
  return service.app.inject({ method: 'POST', url, payload, headers: sent }).then(heard);
}

async function signUpAndIn(): Promise<{ password: string; owner: Person }> {
  const password = canary();
  const key = `canary-key-${++count}`;
  secrets.add(key);
  const signUp = () => post('/v1/users', { email, password, firstName: 'Ada' }, { 'idempotency-key': key });
  expect((await signUp()).statusCode).toBe(201);
  expect((await signUp()).headers['idempotency-replayed']).toBe('true');
  expect((await post('/v1/users', { email, password: canary() })).statusCode).toBe(409);
  expect((await post('/v1/sessions', { email, password })).statusCode).toBe(201);
  return { password, owner: await signIn(service, email, password) };
}

async function fail(): Promise<void> {
  await post('/v1/sessions', { email, password: canary() });
  await post('/v1/sessions', { email: freshEmail(), password: canary() });
  await post('/v1/sessions', { email: 'no address', password: canary() });
  await post('/v1/sessions', { email, password: [canary()] });
  await post('/v1/sessions', { email, passwort: canary() });
  await post('/v1/sessions', { email, password: canary() }, { 'idempotency-key': canary().slice(0, 40) });
  await post('/v1/users', { email: freshEmail(), password: canary().repeat(12) });
  await post('/v1/users', { email: canary(), password: 'short' });
  await raw('/v1/sessions', `{"email":"${email}","password":"${canary()}`);
  await raw('/v1/sessions', `{"password":${canary()}}`);
  await raw('/v1/sessions', `password=${canary()}`, { 'content-type': 'application/x-www-form-urlencoded' });
  await raw('/v1/sessions', `{"password":"${canary()}"}`, { 'content-length': '5' });
  expect((await post(BROKEN, { password: canary() }, { authorization: canary() })).statusCode).toBe(500);
  await raw('/v1/nowhere', JSON.stringify({ password: canary() }));
  await raw(`/v1/sessions?password=${encodeURIComponent(canary())}`, '{}');
  for (const url of ['/v1/users/me', '/healthz', '/v1/nowhere', '/problems/x']) {
    const token = canary().replaceAll(' ', '-');
    secrets.add(token);
    heard(await call(service, 'GET', `${url}?token=${token}&access_token=${token}`));
    const authorization = `Basic ${Buffer.from(`${email}:${canary()}`).toString('base64')}`;
    secrets.add(authorization);
    heard(await call(service, 'GET', url, undefined, { headers: { authorization, cookie: `session=${token}` } }));
    heard(await call(service, 'GET', url, undefined, { headers: { authorization: `Bearer ${token}.a.b` } }));
    heard(await call(service, 'GET', url, undefined, { headers: { 'x-api-key': token, 'x-request-id': `${token}!` } }));
  }
}

async function refreshAndReuse(owner: Person): Promise<void> {
  secrets.add(owner.refreshToken);
  secrets.add(owner.accessToken);
  const refresh = (refreshToken: string) => post('/v1/sessions/refresh', { refreshToken });
  const second = (await refresh(owner.refreshToken)).json().refreshToken;
  expect((await refresh(owner.refreshToken)).json().refreshToken).toBe(second);
  const third = (await refresh(second)).json().refreshToken;
  expect((await refresh(owner.refreshToken)).json().code).toBe('refresh-token-reused');
  expect((await refresh(third)).json().code).toBe('invalid-token');
  const invented = 'canary'.padEnd(64, 'A');
  secrets.add(invented);
  await refresh(invented);
}

/** What the flows of other ways in are watched by. */
const watch = (): Watch => ({ service, email, secrets, broken: BROKEN, canary, heard, post, raw });

async function changePassword(current: string): Promise<void> {
  const owner = await signIn(service, email, current);
  secrets.add(owner.refreshToken).add(owner.accessToken);
  const change = async (currentPassword: unknown, newPassword: unknown) =>
    heard(await owner.call('PUT', '/v1/users/me/password', { currentPassword, newPassword }));
  await change(canary(), canary());
  await change(current, canary().repeat(12));
  await change({ is: canary() }, canary());
  const next = canary();
  expect((await change(current, next)).statusCode).toBe(204);
  secrets.add((await signIn(service, email, next)).refreshToken);
  // Every other operation, with a body that is valid or not; the last of them deletes the account.
  for (const operation of operationsOf(service)
    .toSorted((a, b) => a.method.localeCompare(b.method))
    .toReversed())
    if (!operation.name.startsWith('DELETE /v1/sessions')) {
      heard(await attempt(service, operation, owner, operation.body));
      heard(await attempt(service, operation, owner, operation.body && { password: canary(), newPassword: canary() }));
    }
}

describe('passwords, tokens and credentials of every flow', () => {
  let stored: string;
  beforeAll(async () => {
    const { password, owner } = await signUpAndIn();
    await fail();
    await refreshAndReuse(owner);
    await browse(watch(), password);
    await followMail(watch(), password);
    await proveFactors(watch());
    await callByKey(watch());
    await changePassword(password);
    stored = await dump();
    expect(secrets.size).toBeGreaterThan(60);
  });

  const found = (text: string): string[] =>
    [...secrets].flatMap((secret) =>
      [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)].some((spelling) =>
        text.includes(spelling),
      )
        ? [secret]
        : [],
    );

  it('are in no line of the log, which tells of each request all the same', () => {
    expect(service.logged().filter(({ msg }) => msg === 'request').length).toBeGreaterThan(60);
    expect(found(service.log())).toEqual([]);
  });

  it('are in no audit event and no kept response, nor anywhere else in the database', async () => {
    expect(await AuditEvent.countDocuments()).toBeGreaterThan(10);
    expect(await IdempotencyKey.countDocuments()).toBeGreaterThan(0);
    expect(found(stored)).toEqual([]);
  });

  it('are in no error that a client is told', () => {
    expect(said.size).toBeGreaterThan(30);
    expect(found([...said].join('\n'))).toEqual([]);
  });

  it('nor does the log name who it is about', () => {
    expect(service.log()).not.toContain(email);
    expect(service.log()).not.toContain('example.com');
  });
});
