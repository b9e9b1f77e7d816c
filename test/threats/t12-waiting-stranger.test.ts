// T12: a stranger signs up with a victim's email and waits (account pre-hijacking). Elsewhere the victim came later, set
// a password by a reset or signed in by a link, and shared the account with the stranger, whose session, factor or
// linked identity still worked. Here whoever proves the mailbox first gets the account empty; and a link that the
// stranger has caused to be mailed proves nothing without the stranger's own password.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiKey } from '../../src/models/api-key.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Credential } from '../../src/models/credential.ts';
import { Identity } from '../../src/models/identity.ts';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { UNOPENABLE } from '../helpers/ciphertexts.ts';
import { magicLink, post, resetToken, signUp, tokenFor } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, refresh, signIn, whoAmI } from '../helpers/people.ts';

const VICTIMS = 'what the victim has chosen';

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

/** A stranger who has signed up with somebody's email, and has everything that may outlive a password. */
async function stranger(): Promise<Person> {
  const { email, id } = await signUp(here);
  const at = new Date();
  await Credential.create([
    { userId: id, type: 'totp', secret: UNOPENABLE, confirmedAt: at, createdAt: at },
    { userId: id, type: 'passkey', credentialId: id, publicKey: 'x', counter: 0, createdAt: at },
    { userId: id, type: 'recovery-code', codeHash: UNOPENABLE, createdAt: at },
  ]);
  const permissions = ['users:read'];
  await ApiKey.create({
    ...{ userId: id, name: 'x', prefix: id.slice(-16), hash: 'x', permissions, authenticationMethods: ['pwd'] },
    createdAt: at,
  });
  await Identity.create({ userId: id, provider: 'p', subject: id, createdAt: at, lastUsedAt: at });
  const who = await signIn(here, email);
  await User.updateOne({ _id: id }, { $set: { secondFactors: ['totp', 'passkey'] } });
  return who;
}

async function expectEmptied({ id, email, accessToken, refreshToken }: Person): Promise<void> {
  const user = await User.findById(id).lean();
  expect(user).toMatchObject({ email, emailVerified: true, status: 'active' });
  expect(user).not.toHaveProperty('secondFactors');
  expect(await Credential.countDocuments({ userId: id })).toBe(0);
  expect(await Identity.countDocuments({ userId: id })).toBe(0);
  expect(await ApiKey.countDocuments({ userId: id })).toBe(0);
  expect(await OneTimeToken.countDocuments({ userId: id })).toBe(0);
  for (const instance of [here, there]) {
    expect(outcome(await whoAmI(instance, accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(instance, refreshToken))).toBe('401 invalid-token');
    const attempt = await call(instance, 'POST', '/v1/sessions', { email, password: PASSWORD });
    expect(outcome(attempt)).toBe('401 invalid-credentials');
  }
  expect(await AuditEvent.find({ 'target.id': id, action: 'user.reclaimed' }).lean()).toMatchObject([
    { outcome: 'success', changes: ['emailVerified', 'password', 'sessions', 'credentials', 'identities', 'apiKeys'] },
  ]);
}

const WAYS: Record<string, (email: string) => ReturnType<typeof post>> = {
  'a reset': async (email) => {
    const body = { token: await resetToken(here, email), newPassword: VICTIMS };
    return post(there, '/v1/password-resets/confirm', body);
  },
  'a magic link': async (email) => {
    const { token } = await magicLink(here, email);
    return post(there, '/v1/sessions/magic-link/confirm', { token });
  },
  'a mailed code': async (email) => {
    const { challenge, code } = await magicLink(here, email);
    return post(there, '/v1/sessions/magic-link/confirm', { challenge, code });
  },
};

describe.each(Object.entries(WAYS))('whoever proves the mailbox by %s', (_, prove) => {
  it('has the account alone', async () => {
    const who = await stranger();
    const answer = await prove(who.email);
    expect(answer.statusCode, answer.body).toBeOneOf([201, 204]);
    await expectEmptied(who);
    expect(await Session.countDocuments({ userId: who.id })).toBe(answer.statusCode === 201 ? 1 : 0);
  });

  it('keeps what is theirs, once the mailbox is proven', async () => {
    const who = await stranger();
    await User.updateOne({ _id: who.id }, { $set: { emailVerified: true } });
    const answer = await prove(who.email);
    // The second factor is asked for; a reset leaves that to the next sign-in.
    expect(outcome(answer)).toBeOneOf(['204', '401 mfa-required']);
    expect(await Credential.countDocuments({ userId: who.id })).toBe(3);
    expect(await Identity.countDocuments({ userId: who.id })).toBe(1);
    expect(await AuditEvent.countDocuments({ 'target.id': who.id, action: 'user.reclaimed' })).toBe(0);
  });
});

it('a session that the stranger opens at that very moment does not survive', async () => {
  const { email, id } = await signUp(here);
  const { token } = await magicLink(here, email);
  const attempts = Array.from({ length: 8 }, (_, n) =>
    call(n % 2 ? here : there, 'POST', '/v1/sessions', { email, password: PASSWORD }),
  );
  const first = Promise.race(attempts);
  const [mine] = await Promise.all([
    first.then(() => post(here, '/v1/sessions/magic-link/confirm', { token })),
    ...attempts,
  ]);
  expect(outcome(mine)).toBe('201');
  const sessions = (await Session.find({ userId: id }).lean()).map(({ _id }) => String(_id));
  expect(sessions).toEqual([mine.json().session.id]);
});

describe('a victim who follows the link that was mailed unasked', () => {
  it('verifies nothing for the stranger', async () => {
    const { email, id } = await signUp(here);
    const token = await tokenFor(here, email, 'verify-email');
    expect(outcome(await post(here, '/v1/email-verifications/confirm', { token }))).toBe('401 credentials-required');
    expect(outcome(await post(here, '/v1/email-verifications/confirm', { token, password: VICTIMS }))).toBe(
      '401 invalid-credentials',
    );
    expect((await User.findById(id).lean())?.emailVerified).toBe(false);
  });

  it('gives the stranger no mailbox either, where the stranger has asked to change to it', async () => {
    const eve = await signIn(here, (await signUp(here)).email);
    const victims = freshEmail('victim');
    expect(outcome(await eve.call('PUT', '/v1/users/me/email', { email: victims }))).toBe('202');
    const token = await tokenFor(here, victims, 'confirm-new-email');
    const victim = await signIn(here, (await signUp(here)).email);
    for (const headers of [{}, victim.headers])
      expect(outcome(await post(here, '/v1/email-changes/confirm', { token }, headers))).toBe(
        '401 credentials-required',
      );
    expect((await User.findById(eve.id).lean())?.email).toBe(eve.email);
  });
});
