import mongoose from 'mongoose';
import { Type } from 'typebox';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { IdempotencyKey } from '../../src/models/idempotency-key.ts';
import type { App } from '../../src/types/fastify.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { until } from '../helpers/until.ts';

interface Order {
  readonly item: string;
  readonly password?: string;
}

/** What the routes of this file did, and what they are told to do. */
let runs = 0;
let gate: Promise<void> = Promise.resolve();
let failures: unknown[] = [];

const routes = (app: App) => {
  const config = { access: 'public' } as const;
  const schema = { body: Type.Unsafe<Order>({ type: 'object' }) };
  app.post(
    '/v1/test/orders',
    { schema, config: { ...config, fingerprintWithout: ['password'] } },
    async (request, reply) => {
      runs += 1;
      const run = runs;
      await gate;
      const failure = failures.shift();
      if (failure) throw failure;
      void reply.code(201).header('location', `/v1/test/orders/${run}`).header('etag', '"1"');
      return { run, item: request.body.item };
    },
  );
  app.post('/v1/test/orders/:id/cancel', { config }, async (_request, reply) => {
    runs += 1;
    return reply.code(204).send();
  });
  app.post('/v1/test/secrets', { schema, config: { ...config, secretResponse: true } }, async () => ({
    secret: ++runs,
  }));
};

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({}, routes);
});
afterAll(() => service.close());
beforeEach(() => {
  runs = 0;
  gate = Promise.resolve();
  failures = [];
});

let keys = 0;
const freshKey = () => `key-${++keys}`;

function order(key: string | undefined, body: Order = { item: 'tea' }, { on = service, url = '/v1/test/orders' } = {}) {
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  return on.app.inject({ method: 'POST', url, payload: body, headers });
}

describe('the same key and body', () => {
  it('get the first response again, without doing anything', async () => {
    const key = freshKey();
    const first = await order(key);
    const second = await order(key);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    expect(second.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: '/v1/test/orders/1',
      etag: '"1"',
      'content-type': 'application/json; charset=utf-8',
    });
    expect([second.statusCode, second.json()]).toEqual([201, first.json()]);
    expect(runs).toBe(1);
  });

  it('get it from every instance', async () => {
    const other = await service.another();
    const key = freshKey();
    await order(key);
    expect((await order(key, undefined, { on: other })).headers['idempotency-replayed']).toBe('true');
  });

  it('may be written in another order', async () => {
    const key = freshKey();
    const send = (payload: string) =>
      service.app.inject({
        method: 'POST',
        url: '/v1/test/orders',
        payload,
        headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      });
    await send('{"item":"tea","b":{"c":1,"d":2}}');
    expect((await send('{"b":{"d":2,"c":1},"item":"tea"}')).headers['idempotency-replayed']).toBe('true');
  });

  it('get an empty response again as well', async () => {
    const key = freshKey();
    const cancel = () =>
      service.app.inject({ method: 'POST', url: '/v1/test/orders/7/cancel', headers: { 'idempotency-key': key } });
    expect((await cancel()).statusCode).toBe(204);
    const second = await cancel();
    expect([second.statusCode, second.body, second.headers['idempotency-replayed']]).toEqual([204, '', 'true']);
  });

  it('get a refusal again: a retry does not turn it into a success', async () => {
    const key = freshKey();
    failures = [new AppError('email-taken')];
    await order(key);
    const second = await order(key);
    expect([second.statusCode, second.json().code]).toEqual([409, 'email-taken']);
    expect(second.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(runs).toBe(1);
  });

  it.each([
    ['a failure', new Error('broken'), 500],
    ['being told to wait', new AppError('rate-limited'), 429],
  ])('run anew after %s', async (_name, failure, status) => {
    const key = freshKey();
    failures = [failure];
    expect((await order(key)).statusCode).toBe(status);
    expect((await order(key)).statusCode).toBe(201);
    expect(runs).toBe(2);
  });

  it('wait while the first is running, of many at once one runs', async () => {
    const key = freshKey();
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const answers = Array.from({ length: 8 }, () => order(key));
    const early = await Promise.race(answers);
    expect([early.statusCode, early.json().code]).toEqual([409, 'idempotency-in-progress']);
    expect(Number(early.headers['retry-after'])).toBeGreaterThan(0);
    open();
    const statuses = (await Promise.all(answers)).map(({ statusCode }) => statusCode).sort();
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThan(0);
    expect(runs).toBe(1);
  });

  it('run anew when the first died and its lease has ended', async () => {
    const key = freshKey();
    gate = new Promise(() => {});
    void order(key);
    await until('the key is claimed', () => IdempotencyKey.exists({ lockedUntil: { $exists: true } }));
    await IdempotencyKey.updateMany({ lockedUntil: { $exists: true } }, { $set: { lockedUntil: new Date(0) } });
    gate = Promise.resolve();
    const answers = await Promise.all([order(key), order(key)]);
    expect(answers.map(({ statusCode }) => statusCode)).toContain(201);
    expect(runs).toBe(2);
  });

  it('run anew when a day has passed, whether or not the database has tidied up', async () => {
    const key = freshKey();
    await order(key);
    await IdempotencyKey.updateMany({}, { $set: { expiresAt: new Date(0) } });
    expect((await order(key)).headers).not.toHaveProperty('idempotency-replayed');
    expect(runs).toBe(2);
  });
});

describe('without an account', () => {
  it('another body under the same key is another request: nobody learns of the first', async () => {
    const key = freshKey();
    await order(key, { item: 'tea' });
    const second = await order(key, { item: 'coffee' });
    expect(second.headers).not.toHaveProperty('idempotency-replayed');
    expect(second.json()).toEqual({ run: 2, item: 'coffee' });
  });

  it('fields that the route leaves out do not make it another one', async () => {
    const key = freshKey();
    await order(key, { item: 'tea', password: 'one' });
    expect((await order(key, { item: 'tea', password: 'two' })).headers['idempotency-replayed']).toBe('true');
  });
});

describe('a key', () => {
  it('that is not given changes nothing', async () => {
    await order(undefined);
    await order(undefined);
    expect(runs).toBe(2);
  });

  it.each(['', 'with space', 'x'.repeat(256), 'ümlaut'])('«%s» is refused', async (key) => {
    const response = await order(key);
    expect([response.statusCode, response.json().code]).toEqual([400, 'invalid-idempotency-key']);
    expect(runs).toBe(0);
  });

  it('is refused where the response carries a secret', async () => {
    const response = await order(freshKey(), undefined, { url: '/v1/test/secrets' });
    expect([response.statusCode, response.json().code]).toEqual([400, 'idempotency-not-supported']);
    expect(runs).toBe(0);
  });
});

it('stores neither key nor body in clear', async () => {
  const key = 'canary-idempotency-key';
  await order(key, { item: 'canary-item', password: 'canary-password' });
  const stored = JSON.stringify(await mongoose.connection.collection('idempotency_keys').find().toArray());
  expect(stored).toContain('"statusCode":201');
  expect(stored).not.toContain('canary');
});
