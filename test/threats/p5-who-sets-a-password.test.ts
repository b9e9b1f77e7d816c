// P5: a password set by somebody else. Elsewhere a session was enough to change it, so that a borrowed one took the
// account over; guesses at the current one were not counted; or an admin chose one and knew it from then on. Here a
// change needs the current password, within the limit of guesses, and an admin can only have a link mailed.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { operationsOf } from '../helpers/operations.ts';
import { outcome } from '../helpers/parallel.ts';
import { PASSWORD, type Person, person, signIn } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp({ SIGN_IN_FAILURES: '3' });
  there = await here.another();
});
afterAll(() => here.close());

const change = (who: Person, body: object, on = here) => who.call('PUT', '/v1/users/me/password', body, { on });

it('a session alone changes nothing', async () => {
  const ada = await person(here);
  for (const currentPassword of [undefined, null, '', true])
    expect(outcome(await change(ada, { currentPassword, newPassword: NEXT }))).toBe('400 validation-failed');
  expect(outcome(await change(ada, { currentPassword: NEXT, newPassword: NEXT }))).toBe('403 wrong-password');
  await signIn(here, ada.email);
});

it('guesses at the current password are limited, on all instances together', async () => {
  const ada = await person(here);
  const guess = (n: number, on: TestApp) => change(ada, { currentPassword: `guess ${n}`, newPassword: NEXT }, on);
  const answers: string[] = [];
  for (let n = 0; n < 4; n++) answers.push(outcome(await guess(n, n % 2 ? here : there)));
  expect(answers).toEqual([...Array(3).fill('403 wrong-password'), '429 rate-limited']);
  expect(outcome(await change(ada, { currentPassword: PASSWORD, newPassword: NEXT }))).toBe('429 rate-limited');
});

it('no route for admins takes a password', async () => {
  const admin = await person(here, { roles: ['user', 'admin'] });
  const ada = await person(here);
  const before = await User.findById(ada.id).select('+passwordHash').lean();
  const operations = operationsOf(here).filter(({ name, body }) => name.includes('/admin/') && body);
  expect(operations.length).toBeGreaterThan(4);
  for (const { name, method, url, body } of operations)
    for (const field of ['password', 'newPassword', 'passwordHash']) {
      const answer = await admin.call(method, url.replace(/0{24}/, ada.id), { ...body, [field]: NEXT });
      expect(outcome(answer), `${name} ${field}`).toBe('400 validation-failed');
    }
  expect((await admin.call('POST', `/v1/admin/users/${ada.id}/password-reset`)).statusCode).toBe(202);
  expect(await User.findById(ada.id).select('+passwordHash').lean()).toEqual(before);
});
