import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { listen } from '../helpers/listen.ts';
import { until } from '../helpers/until.ts';

const config = { access: 'public' } as const;

/** What was done, in its order, and a gate that holds the work back. */
const done: string[] = [];
let open: () => void = () => {};
let gate: Promise<void>;
/** Told when work begins. */
let begins: () => void = () => {};
const close = () => {
  gate = new Promise((resolve) => {
    open = resolve;
  });
};

let service: TestApp;
beforeAll(async () => {
  close();
  service = await buildTestApp({}, (app) => {
    app.get('/later', { config }, async (_request, reply) => {
      reply.afterwards(async () => {
        begins();
        await gate;
        done.push('work');
      });
      return { status: 'accepted' };
    });
    app.get('/fails', { config }, async (_request, reply) => {
      reply.afterwards(async () => {
        throw new Error('nobody waits for this');
      });
      return {};
    });
    app.get('/hangs', { config }, async (_request, reply) => {
      reply.afterwards(async () => void done.push('although the client was gone'));
      await gate;
      return {};
    });
  });
});
afterAll(() => service.close());

it('answers first, and does the work behind that', async () => {
  expect((await service.app.inject('/later')).json()).toEqual({ status: 'accepted' });
  done.push('answer');
  open();
  await service.app.settled();
  expect(done).toEqual(['answer', 'work']);
});

it('begins the work at a random moment, so that no answer next to it tells whether there was any', async () => {
  open();
  await service.app.settled();
  const begun: number[] = [];
  const other = await service.another();
  const started = performance.now();
  begins = () => void begun.push(performance.now() - started);
  for (let n = 0; n < 30; n += 1) await other.app.inject('/later');
  await until('all is done', () => begun.length === 30);
  begins = () => {};
  // Of thirty even moments within half a second, some come early and some late.
  expect(Math.max(...begun) - Math.min(...begun)).toBeGreaterThan(200);
});

it('logs a failure with the id of its request, and goes on', async () => {
  const { headers, statusCode } = await service.app.inject('/fails');
  await service.app.settled();
  expect(statusCode).toBe(200);
  expect(service.logged().find(({ msg }) => msg === 'what was accepted was not done')).toMatchObject({
    requestId: headers['x-request-id'],
    err: { type: 'Error' },
  });
});

it('does the work also where the client did not wait for its answer', async () => {
  close();
  done.length = 0;
  const port = await listen(service.app);
  const sent = request({ port, path: '/hangs' });
  sent.on('error', () => {});
  sent.end();
  await until(
    'the request has arrived',
    () => new Promise((resolve) => service.app.server.getConnections((_, n) => resolve(n > 0))),
  );
  sent.destroy();
  await until('the work is done', () => done.length > 0);
  open();
});

describe('an instance that closes', () => {
  it('finishes what it has promised', async () => {
    close();
    done.length = 0;
    const other = await service.another();
    await other.app.inject('/later');
    const closed = other.app.close();
    open();
    await closed;
    expect(done).toEqual(['work']);
  });
});

describe('too much of it', () => {
  it('is refused, and taken again later', async () => {
    close();
    const other = await service.another();
    const answers = await Promise.all(Array.from({ length: 510 }, () => other.app.inject('/later')));
    const refused = answers.filter(({ statusCode }) => statusCode !== 200);
    expect(refused.map((each) => each.json().code)).toEqual(Array(10).fill('overloaded'));
    expect(refused[0]?.headers['retry-after']).toBe('3');
    open();
    await other.app.settled();
    expect((await other.app.inject('/later')).statusCode).toBe(200);
  });
});
