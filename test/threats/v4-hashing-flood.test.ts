// V4: a flood of sign-ins. Elsewhere every one of them was hashed at once, memory ran out or nothing else was answered.
// Here a few are hashed at a time, a bounded number waits, the others are told to come back, and what needs no hash is
// answered meanwhile.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { RateLimit } from '../../src/models/rate-limit.ts';
import { buildTestApp, REAL_HASH, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { inParallel, tally } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person } from '../helpers/people.ts';

const QUEUE = 4;
const FLOOD = 40;

stopTheClock();
let service: TestApp;
let reader: Person;
beforeAll(async () => {
  service = await buildTestApp({
    ...REAL_HASH,
    HASHING_CONCURRENCY: '1',
    HASHING_QUEUE: String(QUEUE),
    SIGN_IN_FAILURES: '100',
  });
  reader = await person(service);
});
afterAll(() => service.close());

const flood = (password: string) =>
  inParallel([service], FLOOD, () => call(service, 'POST', '/v1/sessions', { email: freshEmail(), password }));

it('is refused beyond what fits the queue, and told when to come back', async () => {
  const answers = await flood('not the right pass phrase');
  const { '401 invalid-credentials': answered = 0, '503 overloaded': refused = 0 } = tally(answers);
  expect(answered + refused).toBe(FLOOD);
  expect(answered).toBeGreaterThanOrEqual(QUEUE + 1);
  expect(refused).toBeGreaterThan(0);
  for (const { statusCode, headers } of answers)
    if (statusCode === 503) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
});

it('lets other routes be answered while it waits', async () => {
  const flooding = flood(PASSWORD);
  const readings: number[] = [];
  let ended = false;
  void flooding.then(() => {
    ended = true;
  });
  while (!ended) readings.push((await reader.call('GET', '/v1/users/me')).statusCode);
  await flooding;
  expect(readings.length).toBeGreaterThan(3);
  expect(new Set(readings)).toEqual(new Set([200]));
});

it('counts a sign-in that was refused as no failure', async () => {
  const { email } = await person(service);
  const attempt = () => call(service, 'POST', '/v1/sessions', { email, password: 'not the right pass phrase' });
  const { '503 overloaded': refused = 0, '401 invalid-credentials': wrong = 0 } = tally(
    await inParallel([service], FLOOD, attempt),
  );
  expect(refused).toBeGreaterThan(0);
  const counters = await RateLimit.find({ key: /^failures-account:/ }).lean();
  expect(Math.max(...counters.map(({ points }) => points))).toBe(wrong);
});
