// V2, for API keys: a flood of invented keys. No guess finds 256 bits, but each well-formed one would cost a read of the
// database, which nobody counts before it is known who calls. Here an address (an IPv6 /64 is one) has 60 wrong ones a
// minute on each instance; after that they are 429 without a look-up. A good key from that address goes on.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiKeyCaller, apiKeyOf } from '../helpers/api-keys.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import { commandsOf } from '../helpers/commands.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, type Person, person } from '../helpers/people.ts';

const URL = '/v1/admin/jobs';
const ALLOWED = 60;

let service: TestApp;
let admin: Person;
let good: ApiKeyCaller;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp({ RATE_LIMIT_MULTIPLIER: '1' });
  admin = await person(service, { roles: ['admin'] });
  good = await apiKeyOf(service, admin, ['operations:read']);
});
afterAll(() => service.close());

let addresses = 0;
/** Another one of the same /64. */
const nextAddress = () => `2001:db8:1:2::${(++addresses).toString(16)}`;

function guess(remoteAddress = nextAddress()) {
  const key = `rk_${randomBytes(8).toString('hex')}_${randomBytes(32).toString('hex')}`;
  return call(service, 'GET', URL, undefined, { remoteAddress, headers: { authorization: `Bearer ${key}` } });
}
const byGood = () => good.call('GET', URL, undefined, { remoteAddress: nextAddress() });

it('is turned away without a look-up, and keeps no good key of that address out', async () => {
  expect(outcome(await byGood())).toBe('200');
  for (let n = 0; n < ALLOWED; n += 1) expect(outcome(await guess())).toBe('401 invalid-token');
  await service.app.settled();
  const sent = await commandsOf(async () => {
    for (let n = 0; n < 20; n += 1) {
      const refused = await guess();
      expect(outcome(refused)).toBe('429 rate-limited');
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    }
  });
  expect(sent).toEqual([]);
  expect(outcome(await byGood())).toBe('200');
  expect(outcome(await guess('198.51.100.7'))).toBe('401 invalid-token');
  passTime(60_000);
  expect(outcome(await guess())).toBe('401 invalid-token');
});

it('a key that was good and is not any more is counted like a wrong one', async () => {
  const remoteAddress = '198.51.100.9';
  const { id, call: use } = await apiKeyOf(service, admin, ['operations:read']);
  const ask = async () => outcome(await use('GET', URL, undefined, { remoteAddress }));
  expect(await ask()).toBe('200');
  await admin.call('DELETE', `/v1/admin/api-keys/${id}`);
  for (let n = 0; n < ALLOWED; n += 1) expect(await ask()).toBe('401 invalid-token');
  expect(await ask()).toBe('429 rate-limited');
});
