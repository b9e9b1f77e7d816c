// P6: a link that was mailed before the change that should have ended it. Elsewhere a reset link in an old mailbox still
// worked after the owner had moved to another one, or had changed the password because somebody reads that mailbox. Here
// a change of email or password ends all that was mailed, also what is being mailed at that moment.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { issueMailedToken } from '../../src/models/mailed-token.ts';
import type { TokenPurpose } from '../../src/models/one-time-token.ts';
import { User, type UserRecord } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { magicLink, mailTo, post, resetToken, signUp, tokenFor, tokenIn } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { freshEmail, PASSWORD, type Person, signIn } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';
const LAST = 'the one that nobody ever set';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

interface Owner extends Person {
  /** The password as it is now, and the mailbox. */
  now: { password: string; email: string };
}

async function newcomer(): Promise<Owner> {
  const { email, password } = await signUp(service);
  return Object.assign(await signIn(service, email), { now: { password, email } });
}

const CHANGES: Record<string, (owner: Owner) => Promise<void>> = {
  async 'the password is changed'(owner) {
    const body = { currentPassword: PASSWORD, newPassword: NEXT };
    expect(outcome(await owner.call('PUT', '/v1/users/me/password', body))).toBe('204');
    owner.now.password = NEXT;
  },
  async 'the password is reset'({ email, now }) {
    const body = { token: await resetToken(service, email), newPassword: NEXT };
    expect(outcome(await post(service, '/v1/password-resets/confirm', body))).toBe('204');
    now.password = NEXT;
  },
  async 'the email is changed'(owner) {
    const next = freshEmail('next');
    expect(outcome(await owner.call('PUT', '/v1/users/me/email', { email: next }))).toBe('202');
    const token = await tokenFor(service, next, 'confirm-new-email');
    expect(outcome(await post(service, '/v1/email-changes/confirm', { token }, owner.headers))).toBe('200');
    owner.now.email = next;
  },
};

/** What may be in a mailbox, and how it is used; each returns the use, to be tried after the change. */
const MAILED: Record<string, (owner: Owner) => Promise<() => Promise<string>>> = {
  async 'a verification'({ email, now }) {
    const token = await tokenFor(service, email, 'verify-email');
    const use = (password: string) => post(service, '/v1/email-verifications/confirm', { token, password });
    return async () => outcome(await use(now.password));
  },
  async 'a rejection'({ email }) {
    const token = tokenIn((await mailTo(service, email, 'verify-email')).rejectLink);
    return async () => outcome(await post(service, '/v1/email-verifications/reject', { token }));
  },
  async 'a reset'({ email }) {
    const token = await resetToken(service, email);
    return async () => outcome(await post(service, '/v1/password-resets/confirm', { token, newPassword: LAST }));
  },
  async 'a change of email'(owner) {
    const next = freshEmail('other');
    expect(outcome(await owner.call('PUT', '/v1/users/me/email', { email: next }))).toBe('202');
    const token = await tokenFor(service, next, 'confirm-new-email');
    const use = () => post(service, '/v1/email-changes/confirm', { token, password: owner.now.password });
    return async () => outcome(await use());
  },
  async 'a magic link'({ email }) {
    const { token } = await magicLink(service, email);
    return async () => outcome(await post(service, '/v1/sessions/magic-link/confirm', { token }));
  },
  async 'a code'({ email }) {
    const { challenge, code } = await magicLink(service, email);
    return async () => outcome(await post(service, '/v1/sessions/magic-link/confirm', { challenge, code }));
  },
};

const PAIRS = Object.keys(CHANGES).flatMap((change) => Object.keys(MAILED).map((mailed) => [change, mailed]));

it.each(PAIRS)('when %s, %s that was mailed before is dead', async (change = '', mailed = '') => {
  const owner = await newcomer();
  const use = await MAILED[mailed]?.(owner);
  await CHANGES[change]?.(owner);
  expect(await use?.()).toBe('401 invalid-code');
  expect(await User.exists({ _id: owner.id })).not.toBeNull();
  await signIn(service, owner.now.email, owner.now.password);
});

it.each(Object.entries(MAILED))('without a change, %s works: it is the change that ends it', async (_, mail) => {
  const use = await mail(await newcomer());
  expect(await use()).toMatch(/^20/);
});

describe('a token that was being mailed while the account changed', () => {
  /** The account as it was read before the change, and the token written after it. */
  const lateToken = (before: UserRecord, purpose: TokenPurpose, payload: object) =>
    transaction((tx) => issueMailedToken(tx, service.deps.keyring, before, { purpose, seconds: 600, payload }));

  const USES: [TokenPurpose, url: string, more: object][] = [
    ['email-verification', '/v1/email-verifications/confirm', { password: PASSWORD }],
    ['email-rejection', '/v1/email-verifications/reject', {}],
    ['password-reset', '/v1/password-resets/confirm', { newPassword: LAST }],
    ['email-change', '/v1/email-changes/confirm', {}],
  ];

  it.each(USES)('of %s opens nothing', async (purpose, url, more) => {
    for (const change of ['the password is changed', 'the email is changed']) {
      const owner = await newcomer();
      const before = await User.findById(owner.id).lean<UserRecord>();
      if (!before) throw new Error('the account is gone');
      await CHANGES[change]?.(owner);
      const token = await lateToken(before, purpose, { newEmail: freshEmail(), sessionId: owner.sessionId });
      const answer = await post(
        service,
        url,
        { token, ...more },
        purpose === 'email-rejection' || purpose === 'password-reset' ? {} : owner.headers,
      );
      expect(outcome(answer), change).toBe('401 invalid-code');
      expect((await User.findById(owner.id).lean())?.email).toBe(owner.now.email);
    }
  });
});
