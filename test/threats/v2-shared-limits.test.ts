// V2: getting more tries by looking different. Elsewhere a counter was kept for each address of an IPv6 network, for each
// spelling of an email, or for each value of a field that nobody read. Here all of those share one count.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail } from '../helpers/people.ts';

const FAILURES = 4;
const WRONG = 'not the right pass phrase';

stopTheClock();
let limited: TestApp;
let patient: TestApp;
beforeAll(async () => {
  patient = await buildTestApp({ SIGN_IN_FAILURES: String(FAILURES) });
  limited = await patient.another({ RATE_LIMIT_MULTIPLIER: '1' });
});
afterAll(() => patient.close());

const signIn = (on: TestApp, body: object, remoteAddress: string, headers: Record<string, string> = {}) =>
  call(on, 'POST', '/v1/sessions', body, { remoteAddress, headers });

it('the addresses of one IPv6 /64 share the limit of requests', async () => {
  const outcomes: string[] = [];
  for (let host = 0; host <= 60; host++)
    outcomes.push(
      outcome(await signIn(limited, { email: 'not an email', password: WRONG }, `2001:db8:0:7::${host.toString(16)}`)),
    );
  expect(outcomes.filter((each) => each === '429 rate-limited')).toHaveLength(1);
  expect(outcomes.at(-1)).toBe('429 rate-limited');
});

it('the spellings of one email share the failures', async () => {
  const email = freshEmail('spelled');
  const spellings = [email, email.toUpperCase(), ` ${email} `, email.replace('@', '＠'), email];
  const outcomes: string[] = [];
  for (const [n, spelling] of spellings.entries())
    outcomes.push(outcome(await signIn(patient, { email: spelling, password: WRONG }, `2001:db8:1:${n}::1`)));
  expect(outcomes).toEqual([...Array(FAILURES).fill('401 invalid-credentials'), '429 rate-limited']);
});

it('what nobody reads makes no difference: headers, queries, device tokens that are none', async () => {
  const email = freshEmail('unused');
  const outcomes: string[] = [];
  for (let n = 0; n <= FAILURES; n++) {
    const headers = { 'x-forwarded-for': `203.0.113.${n}`, 'user-agent': `agent ${n}`, 'x-request-id': `request-${n}` };
    const body = { email, password: WRONG, deviceToken: `${n}`.repeat(70) };
    outcomes.push(outcome(await signIn(patient, body, `2001:db8:2:${n}::1`, headers)));
  }
  expect(outcomes).toEqual([...Array(FAILURES).fill('401 invalid-credentials'), '429 rate-limited']);
  expect(outcome(await call(patient, 'POST', '/v1/sessions?other=1', { email, password: WRONG }))).toBe(
    '400 validation-failed',
  );
});
