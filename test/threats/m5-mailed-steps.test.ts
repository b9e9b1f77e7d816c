// M5: entering a flow at its last step. Elsewhere the step that finishes believed what the client said about the one
// before: a code without its challenge, the challenge of another person, a link of another stage. Here the last step
// of each mailed flow takes only what the first one has mailed, for the same person.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { magicLink, post, resetToken, tokenFor, verifiedAccount } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { freshEmail, PASSWORD, signIn } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';
const CONFIRM = '/v1/sessions/magic-link/confirm';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

it('a code is good with its own challenge only', async () => {
  const [ada, bob] = [await verifiedAccount(service), await verifiedAccount(service)];
  const [mine, theirs] = [await magicLink(service, ada.email), await magicLink(service, bob.email)];
  expect(mine.code).not.toBe(theirs.code);
  for (const body of [
    { challenge: theirs.challenge, code: mine.code },
    { challenge: ada.id, code: mine.code },
    { challenge: mine.token, code: mine.code },
  ])
    expect(outcome(await post(service, CONFIRM, body))).toBe('401 invalid-code');
  expect(outcome(await post(service, CONFIRM, { code: mine.code }))).toBe('400 validation-failed');
  // The parts of two links make none.
  const spliced = `${theirs.challenge}.${mine.token.split('.')[1]}`;
  expect(outcome(await post(service, CONFIRM, { token: spliced }))).toBe('401 invalid-code');
  expect((await post(service, CONFIRM, { token: theirs.token })).json().user.id).toBe(bob.id);
});

it('no step is done by what belongs to another one', async () => {
  const { email, id } = await verifiedAccount(service);
  const ada = await signIn(service, email);
  const next = freshEmail('next');
  await ada.call('PUT', '/v1/users/me/email', { email: next });
  const tokens: Record<string, string> = {
    'email-change': await tokenFor(service, next, 'confirm-new-email'),
    'password-reset': await resetToken(service, email),
    'magic-link': (await magicLink(service, email)).token,
    'a challenge': (await magicLink(service, email)).challenge,
    'a session': ada.refreshToken,
  };
  const steps: [own: string, url: string, more: object][] = [
    ['email-change', '/v1/email-changes/confirm', { password: PASSWORD }],
    ['password-reset', '/v1/password-resets/confirm', { newPassword: NEXT }],
    ['magic-link', CONFIRM, {}],
    ['email-verification', '/v1/email-verifications/confirm', { password: PASSWORD }],
    ['email-rejection', '/v1/email-verifications/reject', {}],
  ];
  for (const [own, url, more] of steps)
    for (const [name, token] of Object.entries(tokens))
      if (name !== own)
        expect(outcome(await post(service, url, { token, ...more })), `${name} → ${url}`).toBe('401 invalid-code');
  expect(await User.findById(id).lean()).toMatchObject({ email });
  expect((await ada.call('GET', '/v1/users/me')).statusCode).toBe(200);
  // All of them are still good where they belong.
  expect(outcome(await post(service, CONFIRM, { token: (await magicLink(service, email)).token }))).toBe('201');
  expect(
    outcome(await post(service, '/v1/email-changes/confirm', { token: tokens['email-change'], password: PASSWORD })),
  ).toBe('200');
});
