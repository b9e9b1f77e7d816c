// E4: finding out who has an account by signing up, or by changing an own email to it. Elsewhere "email taken" was hidden
// in the answer and told by its time, by a confirmation that came or not, or by signing in with what was just chosen.
// With HIDE_EXISTING_ACCOUNTS all of these are alike, and the owner of the mailbox is told.

import argon2 from 'argon2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, REAL_HASH, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { withCommands } from '../helpers/commands.ts';
import { mailsTo, mailTo, tokenFor } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, signIn } from '../helpers/people.ts';

const STRANGERS = 'what a stranger would choose';

stopTheClock();
let service: TestApp;
let passwordHash: string;
beforeAll(async () => {
  service = await buildTestApp({
    ...REAL_HASH,
    HIDE_EXISTING_ACCOUNTS: 'true',
    REQUIRE_VERIFIED_EMAIL: 'true',
    SIGN_IN_FAILURES: '3',
  });
  passwordHash = await service.deps.passwords.hash(PASSWORD);
});
afterAll(() => service.close());

async function account(fields: Record<string, unknown> = {}): Promise<string> {
  const at = new Date();
  const known = { email: freshEmail(), passwordHash, emailVerified: true, createdAt: at, updatedAt: at };
  return (await User.create({ ...known, ...fields })).email;
}

const TAKEN: Record<string, () => Promise<string>> = {
  'by an account': () => account(),
  'by an account, in another spelling': async () => (await account()).toUpperCase(),
  'by an account that is not verified': () => account({ emailVerified: false }),
  'by a suspended account': () => account({ status: 'suspended' }),
  'by a deleted account': () => account({ status: 'deleted' }),
};

const headers = { 'x-request-id': 'the-same-for-all' };

async function seen(request: () => ReturnType<typeof call>) {
  const { result, sent } = await withCommands(request);
  await service.app.settled();
  const { date: _, ratelimit: __, ...rest } = result.headers;
  return { status: result.statusCode, body: result.body, headers: rest, asked: sent.map(({ name }) => name) };
}

const signUp = (email: string, password = STRANGERS) =>
  call(service, 'POST', '/v1/users', { email, password }, { headers });

describe('sign-up', () => {
  /** What was asked before the answer: of the work behind it, only its beginning may be among that. */
  const look = async (email: string) => {
    const { asked, ...answer } = await seen(() => signUp(email));
    return { ...answer, asked: asked.filter((name) => !name.endsWith('rate_limits')) };
  };

  it.each(Object.entries(TAKEN))('with an email that is taken %s is answered as with a free one', async (_, make) => {
    const answer = await look(await make());
    expect(answer).toEqual(await look(freshEmail()));
    expect([answer.status, answer.body, answer.asked]).toEqual([202, '{"status":"accepted"}', []]);
  });

  it('computes as much, and tells of a bad password alike', async () => {
    const cpu = async (work: () => Promise<unknown>) => {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const oneHash = await cpu(() => argon2.hash(STRANGERS, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }));
    const taken = await account();
    expect(await cpu(() => signUp(taken))).toBeGreaterThan(oneHash * 0.7);
    for (const email of [taken, freshEmail()])
      expect(outcome(await signUp(email, 'password'))).toBe('400 password-unacceptable');
  });

  it('makes an account and asks its mailbox, or tells the owner; the password of neither changes', async () => {
    const [taken, free] = [await account(), freshEmail()];
    for (const email of [taken, free]) await signUp(email);
    expect(await mailsTo(service, free)).toEqual(['verify-email']);
    expect(await mailsTo(service, taken)).toEqual(['sign-up-again']);
    expect(await mailTo(service, taken, 'sign-up-again')).toEqual({
      at: expect.any(String),
      ip: '127.0.0.1',
      userAgent: 'lightMyRequest',
    });
    await signIn(service, taken);
    const token = await tokenFor(service, free, 'verify-email');
    const body = { token, password: STRANGERS };
    expect(outcome(await call(service, 'POST', '/v1/email-verifications/confirm', body))).toBe('200');
    await signIn(service, free, STRANGERS);
  });

  it('tells an owner a few times an hour at the most', async () => {
    const email = await account();
    for (let n = 0; n < 5; n++) expect(outcome(await signUp(email))).toBe('202');
    expect(await mailsTo(service, email)).toHaveLength(3);
  });
});

describe('signing in with what was just chosen', () => {
  const tryIt = (email: string) =>
    seen(() => call(service, 'POST', '/v1/sessions', { email, password: STRANGERS }, { headers }));

  it('is answered as with a wrong password, as often, and to the same limit', async () => {
    const [taken, free] = [await account(), freshEmail()];
    for (const email of [taken, free]) await signUp(email);
    await service.app.settled();
    const statuses = [];
    for (let n = 0; n < 4; n++) {
      const answer = await tryIt(free);
      expect(answer).toEqual(await tryIt(taken));
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([401, 401, 429, 429]);
  });
});

describe('change of email', () => {
  async function asking(): Promise<Person> {
    return signIn(service, await account());
  }
  const change = (who: Person, email: string) => who.call('PUT', '/v1/users/me/email', { email }, { headers });

  it.each(Object.entries(TAKEN))('to one that is taken %s is answered as to a free one', async (_, make) => {
    const [ada, bob] = [await asking(), await asking()];
    const taken = await make();
    const answer = await seen(() => change(ada, taken));
    expect(answer).toEqual(await seen(() => change(bob, freshEmail())));
    expect(answer.status).toBe(202);
    // Nor does the own mailbox tell.
    expect(await mailsTo(service, ada.email)).toEqual(await mailsTo(service, bob.email));
  });

  it('tells the owner, and gives the link to nobody', async () => {
    const ada = await asking();
    const taken = await account();
    await change(ada, taken);
    expect(await mailsTo(service, taken)).toEqual(['sign-up-again']);
    expect(await mailsTo(service, ada.email)).toEqual(['email-change-requested']);
  });
});

describe('elsewhere it is told', () => {
  let open: TestApp;
  beforeAll(async () => {
    open = await service.another({ HIDE_EXISTING_ACCOUNTS: 'false', REQUIRE_VERIFIED_EMAIL: 'false' });
  });

  it('that an email is taken', async () => {
    const email = await account();
    expect(outcome(await call(open, 'POST', '/v1/users', { email, password: STRANGERS }))).toBe('409 email-taken');
  });
});
