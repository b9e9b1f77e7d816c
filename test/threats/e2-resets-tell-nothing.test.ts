// E2: finding out who has an account by asking for a reset or a magic link. Elsewhere the answer was "no such account",
// or it came later where a mail was sent, or only known emails ran into a limit, or a wrong code for nobody's challenge
// was answered quicker. Here the answer is out before anything is looked up.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { withCommands } from '../helpers/commands.ts';
import { mailsTo, post, verifiedAccount, wrongCode } from '../helpers/mailed.ts';
import { call, freshEmail } from '../helpers/people.ts';

stopTheClock();
let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

async function account(fields: Record<string, unknown> = {}): Promise<string> {
  const { email } = await verifiedAccount(here);
  await User.updateOne({ email }, { $set: fields });
  return email;
}

const CASES: Record<string, () => Promise<string>> = {
  'an account': () => account(),
  'an account in another spelling': async () => ` ${(await account()).toUpperCase()}`,
  'an account that is not verified': () => account({ emailVerified: false }),
  'an inactive account': () => account({ status: 'inactive' }),
  'a suspended account': () => account({ status: 'suspended' }),
  'a deleted account': () => account({ status: 'deleted' }),
  'an account with a second factor': () => account({ secondFactors: ['totp'] }),
};

let address = 0;

/** A request as a stranger sees it, and what the service has asked of the database by the time of the answer. */
async function ask(url: string, body: object, on = here) {
  address += 1;
  const options = { headers: { 'x-request-id': 'the-same-for-all' }, remoteAddress: `198.51.100.${address % 250}` };
  const { result, sent } = await withCommands(() => call(on, 'POST', url, body, options));
  await on.app.settled();
  const { date: _, ratelimit: __, ...headers } = result.headers;
  const text = result.body.replace(/"challenge":"[\w-]{43}"/, '"challenge":"…"');
  const asked = sent.map(({ name }) => name).filter((name) => !name.endsWith('rate_limits'));
  return { status: result.statusCode, body: text, headers, asked };
}

describe.each(['/v1/password-resets', '/v1/sessions/magic-link'])('POST %s', (url) => {
  it.each(Object.entries(CASES))('for %s is answered as for nobody, before anything is looked up', async (_, make) => {
    const answer = await ask(url, { email: await make() });
    expect(answer).toEqual(await ask(url, { email: freshEmail('nobody') }));
    expect([answer.status, answer.asked]).toEqual([202, []]);
  });

  it('is answered alike however often it is asked for, on every instance', async () => {
    const [known, unknown] = [await account(), freshEmail('nobody')];
    for (let n = 0; n < 5; n++)
      expect(await ask(url, { email: known }, n % 2 ? here : there)).toEqual(await ask(url, { email: unknown }));
  });

  it('looks nothing up for what is no email', async () => {
    const { status, asked } = await ask(url, { email: 'nobody' });
    expect([status, asked]).toEqual([400, []]);
  });
});

describe('a wrong code', () => {
  async function challengeFor(email: string): Promise<string> {
    const { challenge } = (await post(here, '/v1/sessions/magic-link', { email })).json();
    await here.app.settled();
    return challenge;
  }

  it('is answered alike for the challenge of an account, of nobody, and of none at all; and as much is asked', async () => {
    const url = '/v1/sessions/magic-link/confirm';
    const challenges = [
      await challengeFor(await account()),
      await challengeFor(await account({ status: 'suspended' })),
      await challengeFor(freshEmail('nobody')),
      'x'.repeat(43),
    ];
    for (let n = 0; n < 7; n++) {
      const answers = [];
      for (const challenge of challenges) {
        const body = { challenge, code: wrongCode('000000', n) };
        const { result, sent } = await withCommands(() =>
          post(here, url, body, { 'x-request-id': 'the-same-for-all' }),
        );
        answers.push(JSON.stringify([result.statusCode, result.body, sent.map(({ name }) => name)]));
      }
      expect(new Set(answers).size, answers.join('\n')).toBe(1);
    }
  });
});

it('the mailbox of an account is told, and no other', async () => {
  const [known, unknown] = [await account(), freshEmail('nobody')];
  for (const email of [known, unknown]) {
    await ask('/v1/password-resets', { email });
    await ask('/v1/sessions/magic-link', { email });
  }
  expect(await mailsTo(here, known)).toEqual(['verify-email', 'reset-password', 'magic-link']);
  expect(await mailsTo(here, unknown)).toEqual([]);
});
