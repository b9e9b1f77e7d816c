// R4: parallel wrong passwords. Elsewhere the counter was read, the password checked and the counter written, so that a
// hundred guesses at once were all the first; or it locked out everybody who was right at the same time. Here a failure
// is counted before it is answered, and being right counts as nothing.

import bcrypt from 'bcrypt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, person } from '../helpers/people.ts';

const FAILURES = 5;
const WINDOW_MS = 15 * 60_000;

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  // Failures are counted in windows of 15 minutes by the clock: here none ends in the middle of a test.
  vi.useFakeTimers({ toFake: ['Date'], now: (Math.floor(Date.now() / WINDOW_MS) + 0.5) * WINDOW_MS });
  here = await buildTestApp({ SIGN_IN_FAILURES: String(FAILURES) });
  there = await here.another();
});
afterAll(async () => {
  await here.close();
  vi.useRealTimers();
});

let addresses = 0;

/** Each from an address of its own: what one address may try of an account is less. */
function signIn(on: TestApp, email: string, password: string) {
  const remoteAddress = `2001:db8:${(++addresses).toString(16)}::1`;
  return call(on, 'POST', '/v1/sessions', { email, password }, { remoteAddress });
}

describe.each([
  ['of an account', async () => (await person(here)).email],
  ['of nobody', async () => freshEmail()],
])('parallel wrong passwords %s', (_whose, emailOf) => {
  it('get no more answers than the limit allows, and a right one none after them', async () => {
    const email = await emailOf();
    const answers = await inParallel([here, there], 12, (on, index) => signIn(on, email, `wrong ${index}`));
    expect(tally(answers)).toEqual({ '401 invalid-credentials': FAILURES, '429 rate-limited': 12 - FAILURES });
    for (const { statusCode, headers } of answers)
      if (statusCode === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(outcome(await signIn(there, email, PASSWORD))).toBe('429 rate-limited');
  });
});

it('a right password among too many wrong ones tells nothing: it may be one more guess', async () => {
  const { email } = await person(here);
  const guesses = await inParallel([here, there], 10, (on, index) =>
    signIn(on, email, index === 9 ? PASSWORD : `wrong ${index}`),
  );
  const { 201: right = 0, '401 invalid-credentials': wrong = 0, '429 rate-limited': limited = 0 } = tally(guesses);
  expect(right + wrong + limited).toBe(10);
  expect(wrong).toBe(FAILURES);
  expect(right).toBeLessThanOrEqual(1);
});

describe('parallel right passwords all succeed:', () => {
  it('of one account', async () => {
    const { email } = await person(here);
    expect(tally(await inParallel([here, there], 12, (on) => signIn(on, email, PASSWORD)))).toEqual({ 201: 12 });
  });

  it('beside as many wrong ones as are allowed', async () => {
    const { email } = await person(here);
    const answers = await inParallel([here, there], 10, (on, index) =>
      signIn(on, email, index < FAILURES - 1 ? 'wrong' : PASSWORD),
    );
    expect(tally(answers)).toEqual({ 201: 11 - FAILURES, '401 invalid-credentials': FAILURES - 1 });
  });

  it('of an account whose hash is renewed by the first of them', async () => {
    const { email } = await person(here);
    await User.updateOne({ email }, { $set: { passwordHash: await bcrypt.hash(PASSWORD, 4) } });
    expect(tally(await inParallel([here, there], 6, (on) => signIn(on, email, PASSWORD)))).toEqual({ 201: 6 });
    const { passwordHash } = (await User.findOne({ email }).select('+passwordHash').lean()) ?? {};
    expect(passwordHash).toMatch(/^\$argon2id\$/);
  });

  it('of an account that the first of them wakes', async () => {
    const { email } = await person(here);
    await User.updateOne({ email }, { $set: { status: 'inactive' } });
    expect(tally(await inParallel([here, there], 6, (on) => signIn(on, email, PASSWORD)))).toEqual({ 201: 6 });
  });
});
