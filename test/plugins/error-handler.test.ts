import { connect } from 'node:net';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { HashingOverloadError } from '../../src/lib/hashing-queue.ts';
import type { App } from '../../src/types/fastify.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { listen, portOf } from '../helpers/listen.ts';

/** What the routes of this file throw, by name. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  bug: () => new TypeError('canary-value of a person'),
  'not-an-error': () => 'canary-value',
  refusal: () => new AppError('email-taken', { detail: 'That one.', headers: { 'retry-after': '9' } }),
  'not-primary': () => new MongoServerError({ message: 'not primary', code: 10107, codeName: 'NotWritablePrimary' }),
  network: () => new MongoNetworkError('connection 3 to 127.0.0.1:27017 closed'),
  'duplicate-key': () => new MongoServerError({ message: 'dup key: { email: "canary-value" }', code: 11000 }),
  overload: () => new HashingOverloadError(),
  'four-hundred': () => Object.assign(new Error('canary-value'), { statusCode: 400 }),
};

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({}, (app) => {
    app.get('/v1/test/throw/:name', { config: { access: 'public' } }, async (request) => {
      throw THROWN[(request.params as { name: string }).name]?.();
    });
    app.get('/v1/test/send', { config: { access: 'public' } }, (_request, reply) =>
      reply.send(new Error('canary-value')),
    );
  });
  await listen(service.app);
});
afterAll(() => service.close());

const thrown = (name: string) => service.app.inject(`/v1/test/throw/${name}`);

describe('a problem document', () => {
  it('says what is wrong in the words of the table, with the id of the request', async () => {
    const response = await thrown('refusal');
    expect(response.statusCode).toBe(409);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(response.headers['retry-after']).toBe('9');
    expect(response.json()).toEqual({
      type: '/problems/email-taken',
      title: 'The email is taken',
      status: 409,
      code: 'email-taken',
      detail: 'That one.',
      requestId: response.headers['x-request-id'],
    });
  });

  it.each(['bug', 'not-an-error', 'duplicate-key', 'four-hundred'])(
    'tells nothing of %s but its request id',
    async (name) => {
      const response = await thrown(name);
      expect(response.statusCode).toBe(500);
      expect(response.json()).toEqual({
        type: '/problems/internal-error',
        title: 'Something went wrong',
        status: 500,
        code: 'internal-error',
        requestId: response.headers['x-request-id'],
      });
    },
  );

  it('is also what a route gets that sends an error', async () => {
    const response = await service.app.inject('/v1/test/send');
    expect(response.json()).toMatchObject({ status: 500, code: 'internal-error' });
  });

  it('leaves the cause in the log, without its words', async () => {
    const { headers } = await thrown('bug');
    const line = service.logged().find((entry) => entry['requestId'] === headers['x-request-id'] && entry['err']);
    expect(line).toMatchObject({ level: 'error', err: { type: 'TypeError' } });
    expect(JSON.stringify(line)).toContain('error-handler.test');
    expect(service.log()).not.toContain('canary-value');
  });
});

describe('the database out of reach', () => {
  it.each(['not-primary', 'network'])('is 503 with Retry-After (%s)', async (name) => {
    const response = await thrown(name);
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(response.json()).toMatchObject({ code: 'unavailable' });
  });
});

it('answers a full hashing queue with 503 and Retry-After', async () => {
  const response = await thrown('overload');
  expect(response.statusCode).toBe(503);
  expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  expect(response.json()).toMatchObject({ code: 'overloaded' });
});

describe('before a route is found', () => {
  it('tells a wrong path from a wrong method', async () => {
    const wrongPath = await service.app.inject('/v1/nowhere');
    expect(wrongPath.json()).toMatchObject({ status: 404, code: 'not-found' });
    const wrongMethod = await service.app.inject({ method: 'PUT', url: '/v1/users?x=1' });
    expect(wrongMethod.json()).toMatchObject({ status: 405, code: 'method-not-allowed' });
    expect(wrongMethod.headers.allow).toBe('POST');
  });

  it.each([
    ['/v1/users/%ZZ', 400, 'malformed-request'],
    ['/problems/%ED%A0%80', 400, 'malformed-request'],
    [`/problems/${'a'.repeat(101)}`, 414, 'uri-too-long'],
  ])('answers %s', async (url, status, code) => {
    const response = await service.app.inject(url);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(response.headers['x-content-type-options']).toBe('nosniff');
    expect(response.json()).toMatchObject({ code, requestId: response.headers['x-request-id'] });
  });
});

describe('what is no request', () => {
  it.each([
    ['garbage', 'GARBAGE\r\n\r\n', 400, 'malformed-request'],
    ['a header without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ])('%s is answered by a problem document', async (_name, bytes, status, code) => {
    expect(await exchange(service.app, bytes)).toEqual([expect.objectContaining({ status, code })]);
  });

  it('a body that never comes is waited for no longer than allowed', async () => {
    const hasty = await service.another({ REQUEST_TIMEOUT_MS: '300' });
    await listen(hasty.app);
    const head = 'POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n';
    expect(await exchange(hasty.app, head)).toEqual([
      expect.objectContaining({ status: 408, code: 'request-timeout' }),
    ]);
  });

  it('a body that nobody waits for ends the connection with the one answer', async () => {
    const head = 'POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nGET /';
    expect(await exchange(service.app, head)).toEqual([expect.objectContaining({ status: 415 })]);
  });

  it('serves the next client after hundreds of broken ones', async () => {
    const port = portOf(service.app);
    const broken = Array.from({ length: 300 }, (_, index) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(index % 2 ? '\0\0\0\0' : 'GET / HTT'));
      return socket.on('error', () => {});
    });
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    for (const socket of broken) socket.destroy();
  });
});

/** Writes bytes to the service and gives back the bodies of all that it answers until it hangs up. */
function exchange(app: App, bytes: string): Promise<unknown[]> {
  const port = portOf(app);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => {});
    socket.on('close', () =>
      resolve(
        answer
          .split(/^HTTP.*$/m)
          .slice(1)
          .map(bodyOf),
      ),
    );
  });
}

const bodyOf = (response: string): unknown => JSON.parse(response.slice(response.indexOf('\r\n\r\n')));
