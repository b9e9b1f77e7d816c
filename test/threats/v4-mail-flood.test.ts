// V4: mail as a weapon. Elsewhere anybody could have a mailbox filled by naming it again and again, from many addresses;
// or use up a limit so that the owner got no mail when it was needed. Here a mailbox gets a few of each kind, shared by
// all instances, and whoever is refused one more holds one that still works.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { mailsTo, mailTo, post, signUp, tokenFor, tokenIn, verifiedAccount } from '../helpers/mailed.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';
import { call, freshEmail } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

/** From another address each time, on both instances. */
async function flood(url: string, email: string, count = 12) {
  const answers = await inParallel([here, there], count, (on, n) =>
    call(on, 'POST', url, { email: n % 3 ? email : email.toUpperCase() }, { remoteAddress: `203.0.113.${n}` }),
  );
  await Promise.all([here.app.settled(), there.app.settled()]);
  return tally(answers);
}

it.each([
  ['/v1/password-resets', 'reset-password', 3],
  ['/v1/sessions/magic-link', 'magic-link', 3],
] as const)('POST %s fills no mailbox, and the last mail of the few is good', async (url, template, few) => {
  const { email } = await verifiedAccount(here);
  expect(await flood(url, email)).toEqual({ 202: 12 });
  expect((await mailsTo(here, email)).filter((each) => each === template)).toHaveLength(few);
  const { link } = await mailTo(here, email, template);
  const answer = await post(here, `${url}/confirm`, {
    token: tokenIn(link),
    ...(template === 'reset-password' && { newPassword: NEXT }),
  });
  expect(answer.statusCode, answer.body).toBeLessThan(300);
});

it('verification fills none either', async () => {
  const { email, password } = await signUp(here);
  expect(await flood('/v1/email-verifications', email)).toEqual({ 202: 12 });
  expect(await mailsTo(here, email)).toHaveLength(1 + 5);
  const token = await tokenFor(here, email, 'verify-email');
  expect(outcome(await post(here, '/v1/email-verifications/confirm', { token, password }))).toBe('200');
});

it('one mailbox’s flood is not another’s', async () => {
  const [flooded, other] = [await verifiedAccount(here), await verifiedAccount(here)];
  await flood('/v1/password-resets', flooded.email);
  await post(here, '/v1/password-resets', { email: other.email });
  expect(await mailsTo(here, other.email)).toContain('reset-password');
});

it('a flood for nobody leaves no token and no mail behind', async () => {
  const before = await OneTimeToken.countDocuments();
  const email = freshEmail('nobody');
  for (const url of ['/v1/password-resets', '/v1/sessions/magic-link', '/v1/email-verifications'])
    expect(await flood(url, email)).toEqual({ 202: 12 });
  expect(await OneTimeToken.countDocuments()).toBe(before);
  expect(await mailsTo(here, email)).toEqual([]);
});

it('one address asks so often, and no more, whatever it names', async () => {
  const limited = await here.another({ RATE_LIMIT_MULTIPLIER: '1' });
  const options = { remoteAddress: '198.51.100.7' };
  const answers = [];
  for (let n = 0; n < 21; n++) {
    const body = { email: freshEmail('nobody') };
    answers.push(outcome(await call(limited, 'POST', '/v1/password-resets', body, options)));
  }
  expect(answers).toEqual([...Array(20).fill('202'), '429 rate-limited']);
  await limited.app.settled();
});
