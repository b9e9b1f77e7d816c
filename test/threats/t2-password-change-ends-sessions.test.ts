// T2: a thief who stays signed in after the owner has changed the password. Elsewhere ending the other sessions was an
// optional field that defaulted to "keep", a reset ended none, or a sign-in with the old password slipped in beside the
// change. Here a change always ends every other session, a reset every one, and the old password opens none after it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { post, resetToken, verifiedAccount } from '../helpers/mailed.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

const change = (who: Person, newPassword: string, on = here, headers = {}) =>
  who.call('PUT', '/v1/users/me/password', { currentPassword: PASSWORD, newPassword }, { on, headers });

const attempt = (instance: TestApp, { email }: Person) =>
  call(instance, 'POST', '/v1/sessions', { email, password: PASSWORD });

describe.each([
  ['without If-Match', {}],
  ['with If-Match', { 'if-match': '"1"' }],
])('a change %s', (_name, headers) => {
  it('ends all other sessions on all instances, and keeps its own', async () => {
    const owner = await person(here);
    const thief = await signIn(there, owner.email);
    expect((await whoAmI(here, thief.accessToken)).statusCode).toBe(200);

    expect((await change(owner, NEXT, here, headers)).statusCode).toBe(204);

    for (const instance of [here, there]) {
      expect(outcome(await whoAmI(instance, thief.accessToken))).toBe('401 invalid-token');
      expect(outcome(await refresh(instance, thief.refreshToken))).toBe('401 invalid-token');
      expect(outcome(await attempt(instance, owner))).toBe('401 invalid-credentials');
    }
    expect((await refresh(there, owner.refreshToken)).statusCode).toBe(200);
    await signIn(there, owner.email, NEXT);
  });
});

describe('a reset', () => {
  /** With a proven mailbox: otherwise the proof alone would end all sessions. */
  const verified = async () => signIn(here, (await verifiedAccount(here)).email);

  it('ends all sessions on all instances', async () => {
    const owner = await verified();
    const thief = await signIn(there, owner.email);
    const token = await resetToken(here, owner.email);
    expect(outcome(await post(here, '/v1/password-resets/confirm', { token, newPassword: NEXT }))).toBe('204');
    for (const instance of [here, there])
      for (const { accessToken, refreshToken } of [owner, thief]) {
        expect(outcome(await whoAmI(instance, accessToken))).toBe('401 invalid-token');
        expect(outcome(await refresh(instance, refreshToken))).toBe('401 invalid-token');
      }
    expect(outcome(await attempt(there, owner))).toBe('401 invalid-credentials');
    await signIn(there, owner.email, NEXT);
  });

  it('leaves nothing to a sign-in with the old password that races it', async () => {
    const owner = await verified();
    const token = await resetToken(here, owner.email);
    const [reset, ...attempts] = await Promise.all([
      post(here, '/v1/password-resets/confirm', { token, newPassword: NEXT }),
      ...Array.from({ length: 8 }, (_, index) => attempt(index % 2 ? here : there, owner)),
    ]);
    expect(outcome(reset)).toBe('204');
    expect(attempts.every(({ statusCode }) => [201, 401, 429].includes(statusCode))).toBe(true);
    expect(await Session.countDocuments({ userId: owner.id })).toBe(0);
  });
});

it('a change that is refused ends none', async () => {
  const owner = await person(here);
  const other = await signIn(here, owner.email);
  expect(outcome(await change(owner, NEXT, here, { 'if-match': '"7"' }))).toBe('412 precondition-failed');
  expect(outcome(await change(owner, 'short'))).toBe('400 password-unacceptable');
  expect((await whoAmI(there, other.accessToken)).statusCode).toBe(200);
});

it('a sign-in with the old password that races the change opens nothing that outlives it', async () => {
  const owner = await person(here);
  const [changed, ...attempts] = await Promise.all([
    change(owner, NEXT),
    ...Array.from({ length: 10 }, (_, index) => attempt(index % 2 ? here : there, owner)),
  ]);
  expect(outcome(changed)).toBe('204');
  // Those that come too late fail, and some of them more often than the limit allows.
  const expected = ['201', '401 invalid-credentials', '429 rate-limited'];
  expect(Object.keys(tally(attempts)).filter((each) => !expected.includes(each))).toEqual([]);
  expect((await Session.find({ userId: owner.id }).lean()).map(({ _id }) => String(_id))).toEqual([owner.sessionId]);
});

it('of several changes at once, each from the old password, one counts', async () => {
  const owner = await person(here);
  const answers = await inParallel([here, there], 4, (instance, index) => change(owner, `${NEXT} ${index}`, instance));
  const counts = tally(answers);
  expect(counts['204']).toBe(1);
  expect(counts['403 wrong-password']).toBe(3);
  await signIn(here, owner.email, `${NEXT} ${answers.findIndex(({ statusCode }) => statusCode === 204)}`);
});
