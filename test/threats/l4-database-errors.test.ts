// L4: errors of the database shown to clients. Elsewhere they told the names of hosts, collections and indexes, the query,
// and the values of other people's documents. Here a client is told a request id and nothing else, and the log, which
// has that id, tells what kind of error it was, without its words. (An error that nobody foresaw is what this is about:
// the one threat that is answered by 500.)

import type { Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, freshDatabaseUri, type TestApp } from '../helpers/app.ts';
import { DatabaseProxy } from '../helpers/database-proxy.ts';
import { asksDatabase, attempt, type Operation, operationsOf } from '../helpers/operations.ts';
import { call, freshEmail, PASSWORD, type Person, person } from '../helpers/people.ts';

const CANARY = 'canary.value@example.com';

/** As MongoDB words them. */
const ERRORS: Record<string, Document> = {
  'a refused command': {
    ok: 0,
    code: 13,
    codeName: 'Unauthorized',
    errmsg: `not authorized on roster to execute command { find: "users", filter: { email: "${CANARY}" } }`,
  },
  'an index that is not there': {
    ok: 0,
    code: 2,
    codeName: 'BadValue',
    errmsg: `error processing query: ns=roster.users Tree: email $eq "${CANARY}": planner returned error: bad hint`,
  },
  'a document that fails validation': {
    ok: 1,
    n: 0,
    writeErrors: [
      {
        index: 0,
        code: 121,
        errmsg: `Document failed validation: ${CANARY}`,
        errInfo: { failingDocumentId: 1, details: { consideredValue: CANARY } },
      },
    ],
  },
  'a duplicate key': {
    ok: 0,
    code: 11_001,
    codeName: 'DuplicateKey',
    errmsg: `E11000 duplicate key error collection: roster.sessions index: idx_x dup key: { x: "${CANARY}" }`,
    keyPattern: { x: 1 },
    keyValue: { x: CANARY },
  },
};

let proxy: DatabaseProxy;
let service: TestApp;
let admin: Person;
let operations: Operation[];
beforeAll(async () => {
  proxy = await DatabaseProxy.open(freshDatabaseUri());
  service = await buildTestApp({ MONGODB_URI: proxy.uri, LOG_LEVEL: 'trace' });
  admin = await person(service, { roles: ['admin'] });
  operations = operationsOf(service).filter(asksDatabase);
});
afterEach(() => proxy.mend());
afterAll(async () => {
  await service.close();
  proxy.close();
});

type Answer = Awaited<ReturnType<typeof call>>;

function expectSilence(response: Answer, what: string): void {
  const requestId = response.headers['x-request-id'];
  expect(response.json(), what).toEqual({
    type: '/problems/internal-error',
    title: 'Something went wrong',
    status: 500,
    code: 'internal-error',
    requestId,
  });
  expect(JSON.stringify(response.headers), what).not.toMatch(/canary|mongo|users|idx_/i);
  const line = service.logged().find((entry) => entry['requestId'] === requestId && entry['err'] !== undefined);
  expect(line, what).toMatchObject({ level: 'error', err: { type: expect.stringMatching(/./) } });
}

describe.each(Object.entries(ERRORS))('%s', (_, document) => {
  it('in the first thing that a route asks for is told to nobody', async () => {
    for (const operation of operations) {
      proxy.rule = () => document;
      expectSilence(await attempt(service, operation, admin, operation.body), operation.name);
    }
    expect(service.log()).not.toContain('canary');
  });
});

describe('an error at any later step', () => {
  const signUp = (email: string) => {
    const options = { headers: { 'idempotency-key': email } };
    return call(service, 'POST', '/v1/users', { email, password: PASSWORD }, options);
  };
  const signIn = (email: string) => call(service, 'POST', '/v1/sessions', { email, password: PASSWORD });

  /** Each makes what it needs, and returns what is then asked of the service. */
  const flows: Record<string, () => Promise<() => Promise<Answer>>> = {
    'sign-up': async () => () => signUp(freshEmail()),
    'sign-in': async () => {
      const { email } = await person(service);
      return () => signIn(email);
    },
    'a sign-in that fails': async () => () => signIn(freshEmail()),
    'reading oneself': async () => () => admin.call('GET', '/v1/users/me'),
    'changing oneself': async () => {
      const ada = await person(service);
      return () => ada.call('PATCH', '/v1/users/me', { firstName: 'Ada' });
    },
    'the list of accounts': async () => () => admin.call('GET', '/v1/admin/users?total=true'),
    'a search': async () => () => admin.call('GET', '/v1/admin/users?q=ada'),
  };

  it.each(Object.entries(flows))('of %s is told to nobody', async (flow, prepare) => {
    const steps: string[] = [];
    const whole = await prepare();
    proxy.rule = (command) => {
      steps.push(command);
      return 'passed on';
    };
    expect((await whole()).statusCode).toBeLessThan(500);

    for (const [failing, step] of steps.entries()) {
      // If only the answer to a commit were an error, the server would hold on to what it has begun.
      if (step === 'commitTransaction') continue;
      proxy.mend();
      const send = await prepare();
      let asked = 0;
      proxy.rule = () => (asked++ === failing ? (ERRORS['a refused command'] ?? {}) : 'passed on');
      const response = await send();
      // A response that could not be kept for a replay is given all the same.
      if (step !== 'update idempotency_keys') expectSilence(response, `${flow}, step ${failing}: ${step}`);
      expect(response.body).not.toContain('canary');
    }
    expect(steps.length).toBeGreaterThan(1);
    expect(service.log()).not.toContain('canary');
  });
});
