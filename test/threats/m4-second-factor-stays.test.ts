// M4: getting around the second factor by the mailbox. Elsewhere a reset signed in at once, or switched the factor off,
// and a magic link counted as both. Here a reset sets a password and no more, and a mailed link or code is one factor.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { Credential } from '../../src/models/credential.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, enrolTotp, secondStep } from '../helpers/factors.ts';
import { magicLink, post, resetToken, verifiedAccount } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { PASSWORD, signIn } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';

let service: TestApp;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

/** A verified account that signs in with two factors, and is signed in nowhere. */
async function twofold() {
  const account = await verifiedAccount(service);
  const owner = await signIn(service, account.email);
  const { secret } = await enrolTotp(owner);
  await owner.call('DELETE', '/v1/sessions');
  return { ...account, secret };
}

const factorsOf = async (id: string) => [
  (await User.findById(id).lean())?.secondFactors,
  await Credential.countDocuments({ userId: id, type: 'totp' }),
];

it('a reset opens no session, keeps the factor, and the new password alone does not sign in', async () => {
  const { email, id, secret } = await twofold();
  const body = { token: await resetToken(service, email), newPassword: NEXT };
  const reset = await post(service, '/v1/password-resets/confirm', body);
  expect([reset.statusCode, reset.body]).toEqual([204, '']);
  expect(await factorsOf(id)).toEqual([['totp'], 1]);
  const challenge = await challengeFor(service, email, NEXT);
  expect(await Session.countDocuments({ userId: id })).toBe(0);
  const done = await secondStep(service, challenge, 'totp', codeOf(secret));
  expect(done.json().session.authenticationMethods).toEqual(['pwd', 'otp', 'mfa']);
});

it.each(['link', 'code'])('a mailed %s is one factor, and is used up by the way', async (means) => {
  const { email, id, secret } = await twofold();
  const { token, challenge, code } = await magicLink(service, email);
  const body = means === 'link' ? { token } : { challenge, code };
  const answer = await post(service, '/v1/sessions/magic-link/confirm', body);
  expect(outcome(answer)).toBe('401 mfa-required');
  expect(answer.json()).toMatchObject({ challenge: expect.any(String), methods: ['totp', 'recovery-code'] });
  expect(answer.body).not.toContain('accessToken');
  expect(await Session.countDocuments({ userId: id })).toBe(0);
  expect(await factorsOf(id)).toEqual([['totp'], 1]);
  expect(outcome(await post(service, '/v1/sessions/magic-link/confirm', body))).toBe('401 invalid-code');
  const done = await secondStep(service, answer.json().challenge, 'totp', codeOf(secret));
  expect(done.json().session.authenticationMethods).toEqual(['otp', 'mfa']);
});

it('a change of the password leaves the second factor required, and ends the challenges of the old one', async () => {
  const { email, id, secret } = await twofold();
  const step = await secondStep(service, await challengeFor(service, email), 'totp', codeOf(secret));
  const headers = { authorization: `Bearer ${step.json().accessToken}` };
  const challenge = await challengeFor(service, email);
  const payload = { currentPassword: PASSWORD, newPassword: NEXT };
  const changed = await service.app.inject({ method: 'PUT', url: '/v1/users/me/password', headers, payload });
  expect(outcome(changed)).toBe('204');
  expect(outcome(await secondStep(service, challenge, 'totp', codeOf(secret, 1)))).toBe('401 invalid-token');
  const next = await challengeFor(service, email, NEXT);
  expect(outcome(await secondStep(service, next, 'totp', codeOf(secret, 1)))).toBe('201');
  expect(await factorsOf(id)).toEqual([['totp'], 1]);
});
