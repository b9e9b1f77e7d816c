// R2: one secret used many times at once. Elsewhere a token was read, found unused, and marked as used by each of ten
// requests in parallel. Here one atomic removal, in the transaction of what follows from it, decides: one success.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuditAction, AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { magicLink, mailTo, post, resetToken, signUp, tokenFor, tokenIn, verifiedAccount } from '../helpers/mailed.ts';
import { inParallel, tally } from '../helpers/parallel.ts';
import { freshEmail, signIn } from '../helpers/people.ts';

const COUNT = 8;

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

const use = (url: string, body: (n: number) => object, headers = {}) =>
  inParallel([here, there], COUNT, (on, n) => post(on, url, body(n), headers));

const once = (status: string) => ({ [status]: 1, '401 invalid-code': COUNT - 1 });
const events = (id: string, action: AuditAction) =>
  AuditEvent.countDocuments({ 'target.id': id, action, outcome: 'success' });

it('a verification', async () => {
  const { email, id } = await signUp(here);
  const { headers } = await signIn(here, email);
  const token = await tokenFor(here, email, 'verify-email');
  expect(tally(await use('/v1/email-verifications/confirm', () => ({ token }), headers))).toEqual(once('200'));
  expect(await events(id, 'user.email-verified')).toBe(1);
});

it('a rejection, and a verification beside it: the account is verified or gone', async () => {
  const { email, id } = await signUp(here);
  const { headers } = await signIn(here, email);
  const yes = await tokenFor(here, email, 'verify-email');
  const no = tokenIn((await mailTo(here, email, 'verify-email')).rejectLink);
  const answers = await inParallel([here, there], COUNT, (on, n) =>
    n % 2
      ? post(on, '/v1/email-verifications/reject', { token: no })
      : post(on, '/v1/email-verifications/confirm', { token: yes }, headers),
  );
  const { 200: verified = 0, 204: rejected = 0, ...others } = tally(answers);
  expect(verified + rejected).toBe(1);
  // Once the account is gone, so is the session of whoever verifies.
  expect(Object.keys(others).filter((each) => !['401 invalid-code', '401 invalid-token'].includes(each))).toEqual([]);
  expect((await User.findById(id).lean())?.emailVerified ?? 'gone').toBe(verified ? true : 'gone');
});

it('a reset, and the password is that of the one that counted', async () => {
  const { email, id } = await verifiedAccount(here);
  const token = await resetToken(here, email);
  const password = (n: number) => `the new pass phrase of try ${n}`;
  const answers = await use('/v1/password-resets/confirm', (n) => ({ token, newPassword: password(n) }));
  expect(tally(answers)).toEqual(once('204'));
  expect(await events(id, 'user.password-reset')).toBe(1);
  await signIn(here, email, password(answers.findIndex(({ statusCode }) => statusCode === 204)));
});

it('a change of email', async () => {
  const { email, id } = await verifiedAccount(here);
  const ada = await signIn(here, email);
  const next = freshEmail('next');
  await ada.call('PUT', '/v1/users/me/email', { email: next });
  const token = await tokenFor(here, next, 'confirm-new-email');
  expect(tally(await use('/v1/email-changes/confirm', () => ({ token }), ada.headers))).toEqual(once('200'));
  expect(await events(id, 'user.email-changed')).toBe(1);
});

it('two changes to one email: the index gives it to one', async () => {
  const next = freshEmail('next');
  const tokens: { token: string; headers: object }[] = [];
  for (let n = 0; n < 2; n++) {
    const ada = await signIn(here, (await verifiedAccount(here)).email);
    await ada.call('PUT', '/v1/users/me/email', { email: next });
    tokens.push({ token: await tokenFor(here, next, 'confirm-new-email'), headers: ada.headers });
  }
  const answers = await inParallel([here, there], 2, (on, n) =>
    post(on, '/v1/email-changes/confirm', { token: tokens[n]?.token }, tokens[n]?.headers),
  );
  expect(tally(answers)).toEqual({ 200: 1, '409 email-taken': 1 });
  expect(await User.countDocuments({ email: next })).toBe(1);
});

it('a magic link', async () => {
  const { email, id } = await verifiedAccount(here);
  const { token } = await magicLink(here, email);
  expect(tally(await use('/v1/sessions/magic-link/confirm', () => ({ token })))).toEqual(once('201'));
  expect(await Session.countDocuments({ userId: id })).toBe(1);
});

it('a code, and the link that came with it', async () => {
  const { email, id } = await verifiedAccount(here);
  const { token, challenge, code } = await magicLink(here, email);
  const answers = await use('/v1/sessions/magic-link/confirm', (n) => (n % 2 ? { token } : { challenge, code }));
  expect(tally(answers)).toEqual(once('201'));
  expect(await Session.countDocuments({ userId: id })).toBe(1);
});
