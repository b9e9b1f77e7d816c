// R3: parallel refreshes of one token. Elsewhere two requests at once each got a token of their own, and from then on a
// session had two branches: one for the owner, one for the thief. Here one atomic update decides, and whoever comes
// within the grace gets the very same successor.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { inParallel, tally } from '../helpers/parallel.ts';
import { type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let ada: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  ada = await person(here);
});
afterAll(() => here.close());

const rotations = (id: string) => AuditEvent.countDocuments({ 'target.id': id, action: 'session.refreshed' });

it('one rotation, one successor for all', async () => {
  const phone = await signIn(here, ada.email);
  const answers = await inParallel([here, there], 20, (instance) => refresh(instance, phone.refreshToken));
  expect(tally(answers)).toEqual({ 200: 20 });
  const successors = new Set(answers.map((answer) => answer.json().refreshToken));
  expect(successors.size).toBe(1);
  expect(await Session.findById(phone.sessionId).lean()).toMatchObject({ rotation: 1 });
  expect(await rotations(phone.sessionId)).toBe(1);
  for (const answer of answers) expect((await whoAmI(there, answer.json().accessToken)).statusCode).toBe(200);
  expect((await refresh(there, [...successors][0] ?? '')).statusCode).toBe(200);
});

it('chains of refreshes from one token never part', async () => {
  const phone = await signIn(here, ada.email);
  const chain = async (instance: TestApp) => {
    const seen = [phone.refreshToken];
    for (let step = 0; step < 4; step += 1) {
      const answer = await refresh(instance, seen.at(-1) ?? '');
      if (answer.statusCode !== 200) return { seen, ended: answer.json().code };
      seen.push(answer.json().refreshToken);
    }
    return { seen, ended: null };
  };
  const chains = await inParallel([here, there], 4, chain);
  const longest = chains.map(({ seen }) => seen).reduce((a, b) => (a.length >= b.length ? a : b));
  for (const { seen, ended } of chains) {
    expect(longest.slice(0, seen.length)).toEqual(seen);
    // One that fell behind by more than one step is a reuse, and takes the session with it.
    expect(ended).toBeOneOf([null, 'refresh-token-reused', 'invalid-token']);
  }
});

it('parallel reuses of an old token all fail, and end the session', async () => {
  const phone = await signIn(here, ada.email);
  const second = (await refresh(here, phone.refreshToken)).json().refreshToken;
  const third = (await refresh(there, second)).json().refreshToken;
  const answers = await inParallel([here, there], 10, (instance) => refresh(instance, phone.refreshToken));
  expect(answers.every(({ statusCode }) => statusCode === 401)).toBe(true);
  expect(await Session.exists({ _id: phone.sessionId })).toBeNull();
  expect((await refresh(here, third)).statusCode).toBe(401);
});
