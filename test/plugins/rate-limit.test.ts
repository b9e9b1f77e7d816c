import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/types/fastify.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { person } from '../helpers/people.ts';

const config = (name: string, max = 3) => ({ access: 'public', limit: { name, max, windowMs: 3_600_000 } }) as const;

const routes = (app: App) => {
  app.post('/v1/test/limited', { config: config('limited') }, async () => ({ done: true }));
  app.post('/v1/test/other', { config: config('other') }, async () => ({ done: true }));
  app.post('/v1/test/unnamed', { config: { access: 'public' } }, async () => ({ done: true }));
  app.get('/v1/test/read', { config: config('read') }, async () => ({ done: true }));
};

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ RATE_LIMIT_MULTIPLIER: '1' }, routes);
});
afterAll(() => service.close());

let hosts = 0;
const freshAddress = () => `198.51.100.${++hosts}`;
const post = (remoteAddress: string, url = '/v1/test/limited', on = service, payload?: string) =>
  on.app.inject({ method: 'POST', url, remoteAddress, ...(payload && { payload }) });

describe('a limited route', () => {
  it('tells on every answer where the client stands', async () => {
    const response = await post(freshAddress());
    expect(response.headers['ratelimit-policy']).toBe('"limited";q=3;w=3600');
    expect(response.headers['ratelimit']).toMatch(/^"limited";r=2;t=\d+$/);
  });

  it('answers 429 beyond its limit, and says when to come back', async () => {
    const address = freshAddress();
    for (const remaining of [2, 1, 0])
      expect((await post(address)).headers['ratelimit']).toMatch(new RegExp(`^"limited";r=${remaining};`));
    const refused = await post(address);
    expect(refused.json()).toMatchObject({ status: 429, code: 'rate-limited' });
    const seconds = Number(refused.headers['retry-after']);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(3600);
    expect(refused.headers['ratelimit']).toBe(`"limited";r=0;t=${seconds}`);
  });

  it('counts before it reads the body, valid or not', async () => {
    const address = freshAddress();
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect((await post(address, '/v1/test/limited', service, '{')).statusCode).toBe(415);
    expect((await post(address)).statusCode).toBe(429);
  });

  it('counts apart from other routes and other addresses', async () => {
    const address = freshAddress();
    for (let attempt = 0; attempt < 4; attempt += 1) await post(address);
    expect((await post(address, '/v1/test/other')).statusCode).toBe(200);
    expect((await post(freshAddress())).statusCode).toBe(200);
  });

  it('counts a whole IPv6 /64 and each spelling of an address as one', async () => {
    const statuses: number[] = [];
    for (const address of ['2001:db8:1:2::1', '2001:DB8:1:2:ffff::9', '2001:db8:0001:0002:0:0:0:3', '2001:db8:1:2::4'])
      statuses.push((await post(address)).statusCode);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await post('2001:db8:1:3::1')).statusCode).toBe(200);
    for (let attempt = 0; attempt < 3; attempt += 1) await post('192.0.2.77');
    expect((await post('::ffff:192.0.2.77')).statusCode).toBe(429);
  });

  it('is not fooled by a forwarded header from whom nobody trusts', async () => {
    const remoteAddress = freshAddress();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const headers = { 'x-forwarded-for': freshAddress() };
      statuses.push(
        (await service.app.inject({ method: 'POST', url: '/v1/test/limited', headers, remoteAddress })).statusCode,
      );
    }
    expect(statuses.at(-1)).toBe(429);
  });

  it('shares its count with every other instance, also when all ask at once', async () => {
    const other = await service.another();
    const address = freshAddress();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => post(address, '/v1/test/limited', index % 2 ? other : service)),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(3);
    expect(answers.filter(({ statusCode }) => statusCode === 429)).toHaveLength(9);
  });

  it('allows more where the operator multiplies', async () => {
    const generous = await service.another({ RATE_LIMIT_MULTIPLIER: '2' });
    const response = await post(freshAddress(), '/v1/test/limited', generous);
    expect(response.headers['ratelimit-policy']).toBe('"limited";q=6;w=3600');
  });

  it('stores no address in clear', async () => {
    const address = freshAddress();
    await post(address);
    const stored = JSON.stringify(await mongoose.connection.collection('rate_limits').find().toArray());
    expect(stored).toContain('limited:');
    expect(stored).not.toContain('198.51.100');
    expect(stored).not.toContain('2001:db8');
  });
});

it('limits an unsafe route that names no limit', async () => {
  expect((await post(freshAddress(), '/v1/test/unnamed')).headers['ratelimit-policy']).toBe('"writes";q=120;w=60');
});

describe('a read', () => {
  it('without an account is counted by address, if the route asks for it', async () => {
    const remoteAddress = freshAddress();
    const read = () => service.app.inject({ url: '/v1/test/read', remoteAddress });
    for (let attempt = 0; attempt < 3; attempt += 1) expect((await read()).statusCode).toBe(200);
    expect((await read()).statusCode).toBe(429);
  });

  it('of a signed-in account is counted by session, without a command in the database', async () => {
    const reader = await person(service);
    const before = await mongoose.connection.collection('rate_limits').countDocuments();
    const remoteAddress = freshAddress();
    const read = () => service.app.inject({ url: '/v1/users/me', headers: reader.headers, remoteAddress });
    const first = await read();
    expect(first.headers['ratelimit-policy']).toBe('"reads";q=600;w=60');
    expect(first.headers['ratelimit']).toMatch(/^"reads";r=599;/);
    expect((await read()).headers['ratelimit']).toMatch(/^"reads";r=598;/);
    expect(await mongoose.connection.collection('rate_limits').countDocuments()).toBe(before);
  });
});
