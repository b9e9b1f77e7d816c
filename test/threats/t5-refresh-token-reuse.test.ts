// T5: a stolen refresh token. Elsewhere the thief's copy and the owner's both went on being refreshed, or a replay was
// refused while the session it came from lived on. Here a token that was used before ends its session: nobody can tell
// which of the two hands is the thief's.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { outcome, tally } from '../helpers/parallel.ts';
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

/** Lets the last rotation lie that long back: 10 s of grace are for a retry. */
const agedRotation = (sessionId: string, ms: number) =>
  Session.updateOne({ _id: sessionId }, { $set: { rotatedAt: new Date(Date.now() - ms) } });

async function expectEnded(sessionId: string, tokens: { access: string[]; refresh: string[] }) {
  expect(await Session.exists({ _id: sessionId })).toBeNull();
  for (const instance of [here, there]) {
    for (const token of tokens.access) expect(outcome(await whoAmI(instance, token))).toBe('401 invalid-token');
    for (const token of tokens.refresh) expect(outcome(await refresh(instance, token))).toBe('401 invalid-token');
  }
}

it('used by the thief first, it is found out when the owner comes', async () => {
  const phone = await signIn(here, ada.email);
  const thief = (await refresh(there, phone.refreshToken)).json();
  await agedRotation(phone.sessionId, 10_001);
  expect(outcome(await refresh(here, phone.refreshToken))).toBe('401 refresh-token-reused');
  await expectEnded(phone.sessionId, {
    access: [phone.accessToken, thief.accessToken],
    refresh: [phone.refreshToken, thief.refreshToken],
  });
});

it('used by the owner first, it is found out when the thief comes, however soon', async () => {
  const phone = await signIn(here, ada.email);
  const second = (await refresh(here, phone.refreshToken)).json();
  const third = (await refresh(here, second.refreshToken)).json();
  expect(outcome(await refresh(there, phone.refreshToken))).toBe('401 refresh-token-reused');
  await expectEnded(phone.sessionId, {
    access: [second.accessToken, third.accessToken],
    refresh: [second.refreshToken, third.refreshToken],
  });
});

it('the other sessions of the account go on', async () => {
  expect((await whoAmI(there, ada.accessToken)).statusCode).toBe(200);
  expect((await refresh(there, ada.refreshToken)).statusCode).toBe(200);
});

it('is recorded as denied, as an act on that session, once however often it is tried', async () => {
  const phone = await signIn(here, ada.email);
  await refresh(here, phone.refreshToken);
  await agedRotation(phone.sessionId, 10_001);
  const tries = await Promise.all([here, there, here, there].map((instance) => refresh(instance, phone.refreshToken)));
  expect(tally(tries)['401 refresh-token-reused']).toBeGreaterThan(0);
  expect(tries.every(({ statusCode }) => statusCode === 401)).toBe(true);
  expect(await AuditEvent.find({ 'target.id': phone.sessionId, action: 'session.reused' }).lean()).toMatchObject([
    { outcome: 'denied', reason: 'refresh-token-reused', actor: { type: 'user' } },
  ]);
});

describe('a token that was never issued', () => {
  it.each([
    ['another secret', 40],
    ['an earlier rotation', 15],
    ['a later rotation', 12],
  ])('ends no session: %s', async (_what, byte) => {
    const phone = await signIn(here, ada.email);
    const bytes = Buffer.from((await refresh(here, phone.refreshToken)).json().refreshToken, 'base64url');
    bytes[byte] = (bytes[byte] ?? 0) ^ 1;
    expect(outcome(await refresh(there, bytes.toString('base64url')))).toBe('401 invalid-token');
    expect((await whoAmI(here, phone.accessToken)).statusCode).toBe(200);
  });
});
