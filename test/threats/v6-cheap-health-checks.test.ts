// V6: health checks that cost something. Elsewhere an open readiness route ran a query at each call, and whoever called
// it often enough took the database down; and one that was limited like any other route made a load balancer take healthy
// instances out. Here liveness asks nothing of the database, readiness one ping a second at the most, however many ask,
// and neither is limited. (That no query scans a collection is for test/structure/query-plans.test.ts to show.)

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf } from '../helpers/commands.ts';
import { call, person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ RATE_LIMIT_MULTIPLIER: '1' });
});
afterAll(() => service.close());

const get = (url: string, headers = {}) => call(service, 'GET', url, undefined, { headers });

const MANY = 200;

const inParallel = (url: string) => Promise.all(Array.from({ length: MANY }, () => get(url)));

describe('/healthz', () => {
  it('asks nothing of the database, whoever calls and however often', async () => {
    const { headers } = await person(service);
    const sent = await commandsOf(async () => {
      for (const response of [...(await inParallel('/healthz')), await get('/healthz', headers)])
        expect([response.statusCode, response.body]).toEqual([200, '{"status":"alive"}']);
    });
    expect(sent).toEqual([]);
  });

  it('tells nothing but that it is alive', async () => {
    const { headers } = await get('/healthz');
    expect(headers).not.toHaveProperty('server');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers['cache-control']).toBe('no-store');
  });
});

describe('/readyz', () => {
  it('looks for migrations until they are applied, and then only pings', async () => {
    const first = await commandsOf(() => inParallel('/readyz'));
    expect(first[0]).toBe('ping');
    expect(first.length).toBeLessThanOrEqual(3);
    const again: string[] = [];
    await until('it looks again', async () => {
      again.push(...(await commandsOf(() => inParallel('/readyz'))));
      return again.length > 0;
    });
    expect(again).toEqual(['ping']);
  });

  it('asks at most once a second, however many call', async () => {
    const began = Date.now();
    const sent = await commandsOf(async () => {
      for (let round = 0; round < 3; round++)
        for (const response of await inParallel('/readyz')) expect(response.statusCode).toBe(200);
    });
    expect(sent.length).toBeLessThanOrEqual(1 + Math.ceil((Date.now() - began) / 1_000));
    expect(new Set(sent)).toEqual(new Set(sent.length > 0 ? ['ping'] : []));
  });

  it('tells nothing about the database', async () => {
    expect((await get('/readyz')).body).toBe('{"status":"ready"}');
  });
});

it('a health check logs nothing as long as all is well', () => {
  expect(service.logged().filter(({ url }) => url === '/healthz' || url === '/readyz')).toEqual([]);
});
