// M3: trying out a mailed code. Elsewhere six digits could be guessed as often as somebody liked, in parallel before the
// count was written, or afresh with each new mail. Here a mail gets five tries, counted before they are compared, an
// account twenty a day however many mails, and whoever uses those up does not keep the owner from the link.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { RateLimit } from '../../src/models/rate-limit.ts';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { magicLink, post, verifiedAccount, wrongCode } from '../helpers/mailed.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';

const URL = '/v1/sessions/magic-link/confirm';

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

const tryCode = (on: TestApp, challenge: string, code: string) => post(on, URL, { challenge, code });

it('after five wrong codes the right one is dead; the link is not', async () => {
  const { email } = await verifiedAccount(here);
  const { challenge, code, token } = await magicLink(here, email);
  for (let n = 1; n <= 5; n++)
    expect(outcome(await tryCode(n % 2 ? here : there, challenge, wrongCode(code, n)))).toBe('401 invalid-code');
  expect(outcome(await tryCode(here, challenge, code))).toBe('401 invalid-code');
  expect(outcome(await post(here, URL, { token }))).toBe('201');
});

it('the fifth try may be the right one', async () => {
  const { email } = await verifiedAccount(here);
  const { challenge, code } = await magicLink(here, email);
  for (let n = 1; n <= 4; n++) await tryCode(here, challenge, wrongCode(code, n));
  expect(outcome(await tryCode(there, challenge, code))).toBe('201');
});

it('of many tries at once, no more than five are compared', async () => {
  const { email, id } = await verifiedAccount(here);
  const { challenge, code } = await magicLink(here, email);
  // The right one among them comes after five that were counted.
  await inParallel([here, there], 5, (on, n) => tryCode(on, challenge, wrongCode(code, n + 1)));
  const answers = await inParallel([here, there], 10, (on) => tryCode(on, challenge, code));
  expect(tally(answers)).toEqual({ '401 invalid-code': 10 });
  expect(await Session.countDocuments({ userId: id })).toBe(0);
});

it('after twenty wrong codes in a day no mail’s code is taken, and its link is', async () => {
  const { email } = await verifiedAccount(here);
  for (let mail = 0; mail < 5; mail++) {
    // As if the quarter of an hour for the next mails had come.
    await RateLimit.deleteMany({ key: /^mail-magic-link:/ });
    const { challenge, code, token } = await magicLink(here, email);
    if (mail < 4) for (let n = 1; n <= 5; n++) await tryCode(n % 2 ? here : there, challenge, wrongCode(code, n));
    else {
      expect(outcome(await tryCode(here, challenge, code))).toBe('401 invalid-code');
      expect(outcome(await post(here, URL, { token }))).toBe('201');
    }
  }
});
