import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveMetrics } from '../../src/metrics-server.ts';
import { buildTestApp, REAL_HASH, type TestApp } from '../helpers/app.ts';
import { call, freshEmail, PASSWORD, person } from '../helpers/people.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp(REAL_HASH);
});
afterAll(() => service.close());

/** The value of a series, by the beginning of its line. */
async function measured(series: string, on = service): Promise<number | undefined> {
  const line = (await on.app.metrics.registry.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

describe('metrics', () => {
  it('count requests by method, route template and status, never by id', async () => {
    const someone = await person(service);
    await call(service, 'DELETE', '/v1/sessions/0123456789abcdef01234567', undefined, { headers: someone.headers });
    await service.app.inject('/nowhere/4711');
    expect(await measured('http_request_duration_seconds_count{method="POST",route="/v1/users",status="201"}')).toBe(1);
    const text = await service.app.metrics.registry.metrics();
    expect(text).toContain('route="/v1/sessions/:id"');
    expect(text).toContain('route="unmatched",status="404"');
    expect(text).not.toMatch(/4711|0123456789abcdef/);
  });

  it('belong to one instance', async () => {
    const other = await service.another();
    await other.app.inject('/problems');
    const series = 'http_request_duration_seconds_count{method="GET",route="/problems",status="200"}';
    expect(await measured(series, other)).toBe(1);
    expect(await measured(series)).toBeUndefined();
  });

  it('show the hashing queue, and what it turned away', async () => {
    const narrow = await service.another({ HASHING_CONCURRENCY: '1', HASHING_QUEUE: '1' });
    const signIns = Array.from({ length: 4 }, () =>
      call(narrow, 'POST', '/v1/sessions', { email: freshEmail(), password: PASSWORD }),
    );
    const statuses = (await Promise.all(signIns)).map(({ statusCode }) => statusCode).sort();
    expect(statuses).toEqual([401, 401, 503, 503]);
    expect(await measured('roster_hashing_rejected_total', narrow)).toBe(2);
    expect(await measured('roster_hashing_active', narrow)).toBe(0);
    expect(await measured('roster_hashing_queued', narrow)).toBe(0);
  });

  it('show the connections to the database', async () => {
    await service.app.inject('/readyz');
    expect(await measured('roster_mongodb_pool_connections{state="open"}')).toBeGreaterThan(0);
    expect(await measured('roster_mongodb_pool_connections{state="in_use"}')).toBe(0);
    expect(await measured('roster_mongodb_pool_connections{state="waiting"}')).toBe(0);
    expect(await measured('roster_mongodb_pool_exhausted_total')).toBe(0);
  });

  it('show for how long mail has been due, and are none the worse where nobody can tell', async () => {
    const { metrics } = (await service.another()).app;
    let overdue = Promise.resolve(90_000);
    metrics.watchAge('mail', () => overdue);
    expect(await metrics.registry.metrics()).toContain('\nroster_mail_overdue_seconds 90\n');
    overdue = Promise.reject(new Error('no database'));
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/\nroster_mail_overdue_seconds Nan\n/i);
    expect(text).toContain('roster_hashing_active 0');
  });

  it('are served on a port of their own', async () => {
    service.app.metrics.watchProcess();
    const server = await serveMetrics(service.app.metrics.registry, '127.0.0.1', 0);
    const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await response.text();
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(text).toContain('process_cpu_seconds_total');
    expect((await fetch(`http://127.0.0.1:${server.port}/other`)).status).toBe(404);
    await server.close();
    expect((await service.app.inject('/metrics')).statusCode).toBe(404);
  });
});
