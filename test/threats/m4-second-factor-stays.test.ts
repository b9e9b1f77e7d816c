// M4: getting around the second factor by the mailbox. Elsewhere a reset signed in at once, or switched the factor off,
// and a magic link counted as both. Here a reset sets a password and no more, and a mailed link or code is one factor.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Credential } from '../../src/models/credential.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, enrolTotp, secondStep } from '../helpers/factors.ts';
import { magicLink, post, resetToken, verifiedAccount } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';

let service: TestApp;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

/** A verified account that signs in with two factors. */
async function twofold() {
  const account = await verifiedAccount(service);
  const at = new Date();
  await Credential.create({ userId: account.id, type: 'totp', secret: 'x', confirmedAt: at, createdAt: at });
  await User.updateOne({ _id: account.id }, { $set: { secondFactors: ['totp'] } });
  return account;
}

const factorsOf = async (id: string) => [
  (await User.findById(id).lean())?.secondFactors,
  await Credential.countDocuments({ userId: id }),
];

it('a reset opens no session, keeps the factor, and the new password alone does not sign in', async () => {
  const { email, id } = await twofold();
  const body = { token: await resetToken(service, email), newPassword: NEXT };
  const reset = await post(service, '/v1/password-resets/confirm', body);
  expect([reset.statusCode, reset.body]).toEqual([204, '']);
  expect(await factorsOf(id)).toEqual([['totp'], 1]);
  const signIn = await post(service, '/v1/sessions', { email, password: NEXT });
  expect(outcome(signIn)).toBe('401 mfa-required');
  expect(signIn.json()).toMatchObject({ challenge: expect.any(String), methods: ['totp', 'recovery-code'] });
  expect(await Session.countDocuments({ userId: id })).toBe(0);
});

it.each(['link', 'code'])('a mailed %s is one factor, and is used up by the way', async (means) => {
  const { email, id } = await twofold();
  const { token, challenge, code } = await magicLink(service, email);
  const body = means === 'link' ? { token } : { challenge, code };
  const answer = await post(service, '/v1/sessions/magic-link/confirm', body);
  expect(outcome(answer)).toBe('401 mfa-required');
  expect(answer.json()).toMatchObject({ challenge: expect.any(String), methods: ['totp', 'recovery-code'] });
  expect(answer.body).not.toContain('accessToken');
  expect(await Session.countDocuments({ userId: id })).toBe(0);
  expect(await factorsOf(id)).toEqual([['totp'], 1]);
  expect(outcome(await post(service, '/v1/sessions/magic-link/confirm', body))).toBe('401 invalid-code');
});

describe('a change of the password', () => {
  let ada: Person;
  let secret: string;
  beforeEach(async () => {
    ada = await person(service);
    ({ secret } = await enrolTotp(ada));
  });

  it('leaves the second factor required', async () => {
    const change = { currentPassword: ada.password, newPassword: NEXT };
    expect(outcome(await ada.call('PUT', '/v1/users/me/password', change))).toBe('204');
    const challenge = await challengeFor(service, ada.email, NEXT);
    expect(outcome(await secondStep(service, challenge, 'totp', codeOf(secret)))).toBe('201');
    expect((await User.findById(ada.id).lean())?.secondFactors).toEqual(['totp']);
  });

  it('ends a challenge that was given for the old one', async () => {
    const challenge = await challengeFor(service, ada.email);
    const change = { currentPassword: ada.password, newPassword: NEXT };
    expect(outcome(await ada.call('PUT', '/v1/users/me/password', change))).toBe('204');
    expect(outcome(await secondStep(service, challenge, 'totp', codeOf(secret)))).toBe('401 invalid-token');
  });
});
