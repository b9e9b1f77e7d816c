// E1: finding out who has an account by signing in. Elsewhere a suspended account had a message of its own, an unknown
// one was answered without the work of a hash, and only known ones ran into a limit. Here status, body, headers, limits
// and what is asked of the database are the same whatever the cause, and as much is computed.

import argon2 from 'argon2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, REAL_HASH, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { withCommands } from '../helpers/commands.ts';
import { mailsTo, tokenFor } from '../helpers/mailed.ts';
import { call, freshEmail, PASSWORD } from '../helpers/people.ts';

const WRONG = 'not the right pass phrase';
const MAX_FAILURES = 3;

stopTheClock();
let service: TestApp;
let elsewhere: TestApp;
let passwordHash: string;
beforeAll(async () => {
  service = await buildTestApp({ ...REAL_HASH, SIGN_IN_FAILURES: String(MAX_FAILURES) });
  elsewhere = await service.another();
  passwordHash = await service.deps.passwords.hash(PASSWORD);
});
afterAll(() => service.close());

/** Makes an account and returns its email. */
async function account(fields: Record<string, unknown> = {}): Promise<string> {
  const at = new Date();
  const { email } = await User.create({ email: freshEmail(), passwordHash, createdAt: at, updatedAt: at, ...fields });
  return email;
}

const deleted = () => ({ status: 'deleted', purgeAt: new Date(Date.now() + 86_400_000) });

type Attempt = readonly [email: string, password: string];

const unknown = (): Attempt => [freshEmail('nobody'), WRONG];

/** What a stranger may try; each makes the account that it is about. */
const CASES: Record<string, () => Promise<Attempt>> = {
  'an unknown email': async () => unknown(),
  'a wrong password of an unverified account': async () => [await account({ emailVerified: false }), WRONG],
  'a wrong password of a verified account': async () => [await account({ emailVerified: true }), WRONG],
  'a wrong password of an inactive account': async () => [await account({ status: 'inactive' }), WRONG],
  'a wrong password of a suspended account': async () => [await account({ status: 'suspended' }), WRONG],
  'the right password of a suspended account': async () => [await account({ status: 'suspended' }), PASSWORD],
  'a wrong password of a deleted account': async () => [await account(deleted()), WRONG],
  'the right password of a deleted account': async () => [await account(deleted()), PASSWORD],
  'an account without a password': async () => [await account({ passwordHash: undefined }), PASSWORD],
  'an account whose hash is corrupt': async () => [await account({ passwordHash: '$argon2id$broken' }), PASSWORD],
};

let address = 0;

/** Sign-in as a stranger sees it: everything in the answer, and what it made the service ask of the database. */
async function signIn([email, password]: Attempt, at = service) {
  // Every attempt from an address of its own, so that no count of one shows in the headers of another.
  address += 1;
  const remoteAddress = `198.51.${Math.floor(address / 250)}.${address % 250}`;
  const options = { headers: { 'x-request-id': 'the-same-for-all' }, remoteAddress };
  const { result, sent } = await withCommands(() => call(at, 'POST', '/v1/sessions', { email, password }, options));
  const { date: _, ...headers } = result.headers;
  return { status: result.statusCode, body: result.body, headers, commands: sent.map(({ name }) => name) };
}

describe('a sign-in that fails', () => {
  it.each(Object.entries(CASES))('for %s is answered as any other', async (_, make) => {
    const answer = await signIn(await make());
    expect(answer).toEqual(await signIn(unknown()));
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual({
      type: '/problems/invalid-credentials',
      title: expect.any(String),
      status: 401,
      code: 'invalid-credentials',
      requestId: 'the-same-for-all',
    });
    expect(answer.commands).toEqual([
      'findAndModify rate_limits',
      'find users',
      'find rate_limits',
      'findAndModify rate_limits',
      'findAndModify rate_limits',
      'insert audit_events',
      'insert journal',
      'commitTransaction',
    ]);
  });

  describe('too often', () => {
    /** The answers to one failure more than is allowed, from two instances in turn. */
    async function failTooOften(attempt: Attempt) {
      const answers = [];
      for (let n = 0; n <= MAX_FAILURES; n++) answers.push(await signIn(attempt, n % 2 === 0 ? service : elsewhere));
      return answers;
    }
    let forUnknown: Awaited<ReturnType<typeof failTooOften>>;
    beforeAll(async () => {
      forUnknown = await failTooOften(unknown());
    });

    it('is told to wait', () => {
      expect(forUnknown.map(({ status }) => status)).toEqual([401, 401, 401, 429]);
      expect(Number(forUnknown.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
    });

    it.each(Object.entries(CASES))('for %s is limited as any other', async (_, make) => {
      expect(await failTooOften(await make())).toEqual(forUnknown);
    });

    it('makes the right password answer like a wrong one', async () => {
      const email = await account();
      await failTooOften([email, WRONG]);
      expect(await signIn([email, PASSWORD])).toEqual(forUnknown.at(-1));
    });
  });
});

it('the right password of an unverified account signs in', async () => {
  expect((await signIn([await account({ emailVerified: false }), PASSWORD])).status).toBe(201);
});

describe('where only verified accounts sign in', () => {
  let strict: TestApp;
  beforeAll(async () => {
    strict = await service.another({ REQUIRE_VERIFIED_EMAIL: 'true' });
  });

  it('the right password of an unverified one is told so, and another link is mailed, a few times', async () => {
    const email = await account({ emailVerified: false });
    for (let n = 0; n < 7; n++) {
      const { status, body } = await signIn([email, PASSWORD], strict);
      expect([status, JSON.parse(body).code]).toEqual([403, 'email-not-verified']);
    }
    expect(await mailsTo(strict, email)).toEqual(Array(5).fill('verify-email'));
    const token = await tokenFor(strict, email, 'verify-email');
    const proof = { token, password: PASSWORD };
    expect((await call(strict, 'POST', '/v1/email-verifications/confirm', proof)).statusCode).toBe(200);
    expect((await signIn([email, PASSWORD], strict)).status).toBe(201);
  });

  it('a wrong password of it is answered as any other, and mails nothing', async () => {
    const email = await account({ emailVerified: false });
    expect(await signIn([email, WRONG], strict)).toEqual(await signIn(unknown(), strict));
    expect(await mailsTo(strict, email)).toEqual([]);
  });
});

describe('as much is computed as one hash takes', () => {
  /** By all threads of this process: unlike time, it does not depend on what else the machine does. */
  async function computed(work: () => Promise<unknown>): Promise<number> {
    const costs: number[] = [];
    for (let tries = 0; tries < 2; tries++) {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      costs.push(user + system);
    }
    return Math.min(...costs);
  }

  const names = ['an unknown email', 'the right password of a suspended account', 'an account without a password'];
  it.each(names)('for %s', async (name) => {
    const attempt = (await CASES[name]?.()) ?? unknown();
    const oneHash = await computed(() => argon2.hash(WRONG, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }));
    expect(await computed(() => signIn(attempt))).toBeGreaterThan(oneHash * 0.7);
  });
});
