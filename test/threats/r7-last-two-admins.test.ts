// R7: two admins who remove each other at once. Under snapshot isolation each transaction still sees the other admin,
// both commit, and nobody can administer the service any more (write skew). Here both write one guard document, so that
// the second sees what the first has done.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let ada: Person;
let bob: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

beforeEach(async () => {
  await User.updateMany({}, { $set: { roles: ['user'] } });
  [ada, bob] = [await person(here, { roles: ['admin'] }), await person(there, { roles: ['admin'] })];
});

type Removal = (by: Person, whom: Person) => ReturnType<Person['call']>;
const demote: Removal = (by, { id }) => by.call('PATCH', `/v1/admin/users/${id}`, { roles: ['user'] });
const suspend: Removal = (by, { id }) => by.call('POST', `/v1/admin/users/${id}/suspend`, { reason: 'x' });
const remove: Removal = (by, { id }) => by.call('DELETE', `/v1/admin/users/${id}`);
const leave: Removal = (_by, whom) => whom.call('DELETE', '/v1/users/me');

const PAIRS: [string, Removal, Removal][] = [
  ['demote each other', demote, demote],
  ['suspend each other', suspend, suspend],
  ['delete each other', remove, remove],
  ['delete themselves', leave, leave],
  ['demote one, suspend the other', demote, suspend],
  ['delete one while the other leaves', leave, remove],
];

describe.each(PAIRS)('two admins who %s', (_pair, first, second) => {
  it('leave one, who can still do everything', async () => {
    const answers = (await Promise.all([first(ada, bob), second(bob, ada)])).map(outcome);
    // The loser was refused for being the last, or had lost the right to ask before it was looked at.
    expect(answers.filter((each) => ['200', '204'].includes(each))).toHaveLength(1);
    for (const each of answers)
      expect(each).toBeOneOf(['200', '204', '409 last-admin', '403 forbidden', '401 invalid-token']);
    const left = await User.find({ roles: 'admin', status: 'active' }).lean();
    expect(left).toHaveLength(1);
    const stays = String(left[0]?._id) === ada.id ? ada : bob;
    expect(outcome(await stays.call('GET', '/v1/admin/users?limit=1'))).toBe('200');
  });
});
