import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestApp, freshDatabaseUri, type TestApp } from './helpers/app.ts';
import { type Person, person } from './helpers/people.ts';

let service: TestApp;
let someone: Person;
beforeAll(async () => {
  // A database of its own is dropped; one that others go on with is looked over first, which takes more connections.
  const MONGODB_URI = freshDatabaseUri();
  service = await buildTestApp({ MONGODB_URI, MONGODB_MAX_POOL_SIZE: '2', MONGODB_WAIT_QUEUE_TIMEOUT_MS: '50' });
  someone = await person(service);
});
afterAll(() => service.close());

const metric = async (name: string) =>
  Number(
    (await service.app.metrics.registry.metrics())
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length),
  );

it('a pool that is used up is 503 for those that would wait too long, and counted; the others are served', async () => {
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
