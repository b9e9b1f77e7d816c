// E3: finding out who has an account, and who has verified it, by asking for a verification mail. Elsewhere a verified
// email was answered "already verified" and an unknown one 404. Here the answer is out before anything is looked up.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { withCommands } from '../helpers/commands.ts';
import { mailsTo, signUp, verifiedAccount } from '../helpers/mailed.ts';
import { call, freshEmail } from '../helpers/people.ts';

stopTheClock();
let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const CASES: Record<string, () => Promise<string>> = {
  'an account that is not verified': async () => (await signUp(service)).email,
  'a verified account': async () => (await verifiedAccount(service)).email,
  'a suspended account': async () => {
    const { email } = await signUp(service);
    await User.updateOne({ email }, { $set: { status: 'suspended' } });
    return email;
  },
};

async function ask(email: string) {
  const options = { headers: { 'x-request-id': 'the-same-for-all' } };
  const { result, sent } = await withCommands(() =>
    call(service, 'POST', '/v1/email-verifications', { email }, options),
  );
  await service.app.settled();
  const { date: _, ratelimit: __, ...headers } = result.headers;
  const asked = sent.map(({ name }) => name).filter((name) => !name.endsWith('rate_limits'));
  return { status: result.statusCode, body: result.body, headers, asked };
}

it.each(Object.entries(CASES))('%s is answered as nobody is, before anything is looked up', async (_, make) => {
  const answer = await ask(await make());
  expect(answer).toEqual(await ask(freshEmail('nobody')));
  expect([answer.status, answer.asked]).toEqual([202, []]);
});

it('too much mail for one mailbox is not told of: the answer stays the same', async () => {
  const { email } = await signUp(service);
  const answers = [];
  for (let n = 0; n < 7; n++) answers.push(JSON.stringify(await ask(email)));
  expect(new Set(answers).size).toBe(1);
  expect(await mailsTo(service, email)).toHaveLength(1 + 5);
});
