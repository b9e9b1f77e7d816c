// R5: an account that is shut out while it signs in. Elsewhere the sign-in had read "active" before, and opened its
// session after every session had been ended. Here both write the account, so that one of them sees the other.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person, refresh, whoAmI } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let admin: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  admin = await person(here, { roles: ['admin'] });
});
afterAll(() => here.close());

const WAYS: [string, (who: Person) => ReturnType<Person['call']>][] = [
  ['suspended', ({ id }) => admin.call('POST', `/v1/admin/users/${id}/suspend`, { reason: 'x' }, { on: there })],
  ['deleted by an admin', ({ id }) => admin.call('DELETE', `/v1/admin/users/${id}`)],
  ['deleted by its owner', (who) => who.call('DELETE', '/v1/users/me', undefined, { on: there })],
];

describe.each(WAYS)('an account that is %s', (_way, shutOut) => {
  it('keeps no session that was opened or refreshed meanwhile', async () => {
    const ada = await person(here);
    const password = { email: ada.email, password: PASSWORD };
    const requests = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((index) => {
      const on = index % 2 ? here : there;
      return [call(on, 'POST', '/v1/sessions', password), refresh(on, ada.refreshToken)];
    });
    // Once some are under way, so that it meets them at every stage.
    const first = Promise.race(requests);
    const [ended, ...answers] = await Promise.all([first.then(() => shutOut(ada)), ...requests]);

    expect(outcome(ended)).toBeOneOf(['200', '204']);
    // From the sixth failure on they are refused unheard, as those of any account.
    for (const answer of answers)
      expect(outcome(answer)).toBeOneOf([
        '200',
        '201',
        '401 invalid-credentials',
        '401 invalid-token',
        '429 rate-limited',
      ]);
    expect(answers.some(({ statusCode }) => statusCode < 300)).toBe(true);
    expect(await Session.countDocuments({ userId: ada.id })).toBe(0);
    for (const answer of answers.filter(({ statusCode }) => statusCode < 300)) {
      expect(outcome(await whoAmI(here, answer.json().accessToken))).toBe('401 invalid-token');
      expect(outcome(await refresh(there, answer.json().refreshToken))).toBe('401 invalid-token');
    }
  });
});

it('a demotion that races sign-ins leaves no session with the old roles', async () => {
  const deputy = await person(here, { roles: ['admin'] });
  const password = { email: deputy.email, password: PASSWORD };
  const requests = Array.from({ length: 8 }, (_, index) =>
    call(index % 2 ? here : there, 'POST', '/v1/sessions', password),
  );
  const first = Promise.race(requests);
  const demote = () => admin.call('PATCH', `/v1/admin/users/${deputy.id}`, { roles: ['user'] });
  const [demoted, ...answers] = await Promise.all([first.then(demote), ...requests]);
  expect(outcome(demoted)).toBe('200');
  expect(answers.every(({ statusCode }) => statusCode === 201)).toBe(true);
  const sessions = await Session.find({ userId: deputy.id }).lean();
  expect(sessions).toHaveLength(9);
  for (const { roles } of sessions) expect(roles).toEqual(['user']);
});
