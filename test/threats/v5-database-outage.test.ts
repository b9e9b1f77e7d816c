// V5: the database gone, slow, or stepping down. Elsewhere an error of the database was taken for a wrong token or a
// wrong password: everybody was signed out, or locked out by failures that were none, and requests waited without end.
// Here every route answers 503 with Retry-After in bounded time, nothing is counted as a failure, and the service
// recovers by itself.

import { SignJWT } from 'jose';
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { OPERATOR } from '../../src/models/audit-event.ts';
import { retireSigningKeys } from '../../src/models/signing-key-rotation.ts';
import { buildTestApp, freshDatabaseUri, type TestApp } from '../helpers/app.ts';
import { DatabaseProxy, type Fate } from '../helpers/database-proxy.ts';
import { asksDatabase, attempt, type Operation, operationsOf } from '../helpers/operations.ts';
import { call, freshEmail, PASSWORD, type Person, person, signIn } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

const RESPONSE_TIMEOUT_MS = 1_500;

/** Long enough for a machine that has other things to do, and far from the minutes that a driver would wait. */
const BOUND_MS = 10_000;

let proxy: DatabaseProxy;
let direct: MongoClient;
let patient: TestApp;
let service: TestApp;
let admin: Person;
let operations: Operation[];
beforeAll(async () => {
  const uri = freshDatabaseUri();
  direct = await MongoClient.connect(uri);
  proxy = await DatabaseProxy.open(uri);
  // Whoever signs up on a busy machine has more time than the instance that is tried gives anybody.
  patient = await buildTestApp({ MONGODB_URI: proxy.uri, MONGODB_SERVER_SELECTION_TIMEOUT_MS: '300' });
  const signedUp = await person(patient, { roles: ['admin'] });
  service = await patient.another({ RESPONSE_TIMEOUT_MS: String(RESPONSE_TIMEOUT_MS) });
  admin = {
    ...signedUp,
    call: (...[method, url, body, options]) => signedUp.call(method, url, body, { on: service, ...options }),
  };
  operations = operationsOf(service).filter(asksDatabase);
});
afterEach(async () => {
  proxy.mend();
  // Not signed out, not locked out, and nobody had to do anything.
  await until('the service has recovered', async () => (await admin.call('GET', '/v1/users/me')).statusCode === 200);
});
// MongoDB keeps a transaction that was broken off for a minute, and drops no database before.
afterAll(async () => {
  await patient.close();
  await direct.close();
  proxy.close();
}, 120_000);

type Answer = Awaited<ReturnType<typeof call>>;

function expectUnavailable(response: Answer, what: string, codes = ['unavailable']): void {
  expect([response.statusCode, response.headers['retry-after']], `${what}: ${response.body}`).toEqual([
    503,
    expect.stringMatching(/^[1-9]\d*$/),
  ]);
  expect(codes, what).toContain(response.json().code);
}

/** Every operation at once, and refresh and sign-in with credentials that are right. */
async function expectAllUnavailable(codes?: string[]): Promise<void> {
  const began = Date.now();
  const { email, refreshToken } = admin;
  const right: [string, Promise<Answer>][] = [
    ['sign-in', call(service, 'POST', '/v1/sessions', { email, password: PASSWORD })],
    ['refresh', call(service, 'POST', '/v1/sessions/refresh', { refreshToken })],
  ];
  const all = [
    ...operations.map((operation) => [operation.name, attempt(service, operation, admin, operation.body)] as const),
    ...right,
  ];
  for (const [name, response] of all) expectUnavailable(await response, name, codes);
  expect(Date.now() - began).toBeLessThan(BOUND_MS);
}

/** As the database has them, asked past the proxy. */
const failures = (): Promise<number> =>
  direct
    .db()
    .collection('rate_limits')
    .countDocuments({ key: /^failures-/ });

describe('a database that is gone', () => {
  it('is 503 on every route, while the process is alive and says that it is not ready', async () => {
    proxy.cut();
    await expectAllUnavailable();
    expect((await call(service, 'GET', '/healthz')).statusCode).toBe(200);
    expect((await call(service, 'GET', '/problems/unavailable')).statusCode).toBe(200);
    await until('it is not ready', async () => (await call(service, 'GET', '/readyz')).statusCode === 503);
    expect((await call(service, 'GET', '/readyz')).json()).toEqual({ status: 'database-unreachable' });
  });

  it('is 503 for a token whose key this instance has yet to learn, every time', async () => {
    const { kid: old } = await service.deps.signingKeys.current();
    await retireSigningKeys(OPERATOR, { kid: old }, service.deps);
    const elsewhere = await service.another();
    const { kid, privateKey } = await elsewhere.deps.signingKeys.current();
    const token = await new SignJWT({ sid: admin.sessionId })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
      .setSubject(admin.id)
      .setIssuer(service.config.PUBLIC_URL)
      .setAudience(service.config.PUBLIC_URL)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey);
    const headers = { authorization: `Bearer ${token}` };
    const read = () => call(service, 'GET', '/v1/users/me', undefined, { headers });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    try {
      proxy.cut();
      for (const turn of ['first', 'second', 'third']) expectUnavailable(await read(), turn);
      proxy.mend();
      await until('the key is known', async () => (await read()).statusCode === 200);
    } finally {
      vi.useRealTimers();
    }
    admin = await signIn(service, admin.email);
  });
});

describe('a database that is silent', () => {
  it('is 503 on every route, in bounded time', async () => {
    proxy.rule = () => 'held back';
    await expectAllUnavailable(['unavailable', 'overloaded']);
  });

  it('in the middle of a change is 503, and the change is not begun again beside itself', async () => {
    proxy.rule = (command) => (command === 'commitTransaction' ? 'held back' : 'passed on');
    const body = { email: freshEmail('once'), password: PASSWORD };
    const options = { headers: { 'idempotency-key': 'sign-up-once' } };
    expectUnavailable(await call(service, 'POST', '/v1/users', body, options), 'sign-up', ['overloaded']);
    proxy.rule = () => 'passed on';
    const retry = await call(service, 'POST', '/v1/users', body, options);
    expect([retry.statusCode, retry.json().code]).toEqual([409, 'idempotency-in-progress']);
  });
});

const answers = (code: number, codeName: string): Fate => ({ ok: 0, code, codeName, errmsg: 'not now' });

describe('a database that is stepping down', () => {
  it.each([
    ['has stepped down', 10107, 'NotWritablePrimary'],
    ['steps down', 189, 'PrimarySteppedDown'],
    ['shuts down', 11600, 'InterruptedAtShutdown'],
  ])('(it %s) is 503 on every route', async (_, code, codeName) => {
    proxy.rule = () => answers(code, codeName);
    await expectAllUnavailable();
  });
});

describe('a sign-in that the database fails', () => {
  const FAILS = answers(10107, 'NotWritablePrimary');

  const cases: [step: string, how: string, fate: Fate][] = [
    ['find rate_limits', 'fails', FAILS],
    ['find users', 'fails', FAILS],
    ['find users', 'breaks off', 'cut off'],
    ['findAndModify users', 'fails', FAILS],
    ['insert sessions', 'fails', FAILS],
    ['insert audit_events', 'fails', FAILS],
    ['insert audit_events', 'breaks off', 'cut off'],
  ];

  it.each(cases)('(%s %s) is no failure of whoever signs in', async (step, _, fate) => {
    // An account of its own: a transaction that was broken off may hold its documents for a while.
    const { email } = await person(service);
    const before = await failures();
    let met = false;
    proxy.rule = (command) => {
      if (command !== step) return 'passed on';
      met = true;
      return fate;
    };
    const right = { email, password: PASSWORD };
    expectUnavailable(await call(service, 'POST', '/v1/sessions', right), step, ['unavailable', 'overloaded']);
    expect(met).toBe(true);
    expect(await failures()).toBe(before);
  });

  it('with a wrong password is none either, if that was never compared', async () => {
    const before = await failures();
    proxy.rule = (command) => (command === 'find users' ? FAILS : 'passed on');
    const wrong = { email: admin.email, password: 'not the right pass phrase' };
    expectUnavailable(await call(service, 'POST', '/v1/sessions', wrong), 'sign-in');
    expect(await failures()).toBe(before);
  });
});

it('a change whose outcome got lost is done once at the most', async () => {
  const email = freshEmail('lost');
  let lost = 0;
  proxy.rule = (command) => (command === 'commitTransaction' && lost++ === 0 ? 'unanswered' : 'passed on');
  const signUp = () => call(service, 'POST', '/v1/users', { email, password: PASSWORD });
  // Whether the driver finds out by asking again is up to the server.
  expect((await signUp()).statusCode).toBeOneOf([201, 409, 503]);
  expect(lost).toBeGreaterThan(0);
  await until('sign-up is answered', async () => [201, 409].includes((await signUp()).statusCode));
  expect(await direct.db().collection('users').countDocuments({ email })).toBe(1);
});
