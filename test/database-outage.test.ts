import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { buildTestApp, freshDatabaseUri, type TestApp } from './helpers/app.ts';
import { call, freshEmail, PASSWORD, type Person, person } from './helpers/people.ts';
import { until } from './helpers/until.ts';

/** A wire to the database that can be cut. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  port = 0;

  constructor(target: URL) {
    this.#server = createServer((incoming) => {
      if (this.#cut) return incoming.destroy();
      const outgoing = dial(Number(target.port), target.hostname);
      for (const socket of [incoming, outgoing]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket));
      }
      incoming.pipe(outgoing).pipe(incoming);
      return undefined;
    });
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as { port: number }).port;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

const wire = new Wire(new URL(inject('mongodbUri').replace('mongodb:', 'http:')));
let service: TestApp;
let someone: Person;

beforeAll(async () => {
  await wire.open();
  const uri = new URL(freshDatabaseUri());
  uri.host = `127.0.0.1:${wire.port}`;
  uri.search = 'directConnection=true';
  service = await buildTestApp({
    MONGODB_URI: uri.href,
    MONGODB_MAX_POOL_SIZE: '2',
    MONGODB_WAIT_QUEUE_TIMEOUT_MS: '50',
    MONGODB_SERVER_SELECTION_TIMEOUT_MS: '500',
  });
  someone = await person(service);
});
afterAll(async () => {
  wire.mend();
  await service.close();
  wire.close();
});

const metric = async (name: string) =>
  Number(
    (await service.app.metrics.registry.metrics())
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length),
  );

describe('a pool of connections that is used up', () => {
  it('is 503 with Retry-After for those that would wait too long, and counted; the others are served', async () => {
    const answers = await Promise.all(Array.from({ length: 400 }, () => someone.call('GET', '/v1/users/me')));
    const statuses = new Set(answers.map(({ statusCode }) => statusCode));
    expect(statuses).toEqual(new Set([200, 503]));
    const refused = answers.find(({ statusCode }) => statusCode === 503);
    expect(refused?.json()).toMatchObject({ code: 'unavailable' });
    expect(refused?.headers['retry-after']).toBe('5');
    const count = answers.filter(({ statusCode }) => statusCode === 503).length;
    expect(await metric('roster_mongodb_pool_exhausted_total')).toBe(count);
    expect((await someone.call('GET', '/v1/users/me')).statusCode).toBe(200);
  });
});

describe('a database that is gone', () => {
  it('is 503 for whoever needs it, never 401, and the service recovers by itself', async () => {
    wire.cut();
    const requests = [
      () => someone.call('GET', '/v1/users/me'),
      () => call(service, 'POST', '/v1/sessions', { email: someone.email, password: PASSWORD }),
      () => call(service, 'POST', '/v1/sessions/refresh', { refreshToken: someone.refreshToken }),
      () => call(service, 'POST', '/v1/users', { email: freshEmail(), password: PASSWORD }),
      () => someone.call('DELETE', '/v1/sessions/current'),
    ];
    for (const request of requests) {
      const response = await request();
      expect([response.statusCode, response.json().code]).toEqual([503, 'unavailable']);
      expect(response.headers['retry-after']).toBe('5');
    }
    expect((await service.app.inject('/healthz')).statusCode).toBe(200);
    await until('the service is not ready', async () => (await service.app.inject('/readyz')).statusCode === 503);
    expect((await service.app.inject('/readyz')).json()).toEqual({ status: 'database-unreachable' });

    wire.mend();
    await until('the service is ready', async () => (await service.app.inject('/readyz')).statusCode === 200);
    expect((await someone.call('GET', '/v1/users/me')).statusCode).toBe(200);
  });
});
