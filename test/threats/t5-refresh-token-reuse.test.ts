// T5: a stolen refresh token. Elsewhere the thief's copy and the owner's both went on being refreshed, or a replay was
// refused while the session it came from lived on. Here a token that was used before ends its session: nobody can tell
// which of the two hands is the thief's, and the owner is told by mail.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mail } from '../../src/lib/mail/messages.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { mailOf, Outbox, type OutboxRecord } from '../../src/models/outbox.ts';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { browserSignIn, openBrowser, REFRESH } from '../helpers/cookie-jar.ts';
import { outcome, tally } from '../helpers/parallel.ts';
import { call, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

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

describe('the owner', () => {
  const mailsTo = async (userId: string): Promise<Mail[]> =>
    (await Outbox.find({ userId, template: 'session-ended' }).lean<OutboxRecord[]>()).map((record) =>
      mailOf(here.deps.keyring, record),
    );

  it('hears of it by mail, once however often it is tried, with what is known of the thief', async () => {
    const { email, id } = await person(here);
    const phone = await signIn(here, email);
    await refresh(here, phone.refreshToken);
    expect(await mailsTo(id)).toEqual([]);
    await agedRotation(phone.sessionId, 10_001);
    const from = { remoteAddress: '203.0.113.9', headers: { 'user-agent': 'Thief/1.0' } };
    const body = { refreshToken: phone.refreshToken };
    const reuse = (on: TestApp) => call(on, 'POST', '/v1/sessions/refresh', body, from);
    const began = Date.now();
    const tries = await Promise.all([here, there, here, there, here, there].map(reuse));
    expect(tally(tries)['401 refresh-token-reused']).toBeGreaterThan(0);
    const [mail, ...more] = await mailsTo(id);
    expect(mail).toEqual({
      template: 'session-ended',
      to: email,
      data: { at: expect.any(String), ip: '203.0.113.9', userAgent: 'Thief/1.0' },
    });
    expect(more).toEqual([]);
    const at = mail?.template === 'session-ended' ? Date.parse(mail.data.at) : Number.NaN;
    expect(at).toBeGreaterThanOrEqual(began - 1);
  });

  it('hears of it by cookies too', async () => {
    const { email, id } = await person(here);
    const { browser } = await browserSignIn(here, email);
    const stolen = browser.cookies.get(REFRESH) ?? '';
    for (const on of [here, there])
      expect(outcome(await browser.call('POST', '/v1/sessions/refresh', {}, { on }))).toBe('200');
    const thief = openBrowser(there);
    thief.cookies.set(REFRESH, stolen);
    expect(outcome(await thief.call('POST', '/v1/sessions/refresh', {}))).toBe('401 refresh-token-reused');
    expect(await mailsTo(id)).toMatchObject([{ template: 'session-ended', to: email }]);
    for (const on of [here, there]) {
      expect(outcome(await browser.call('GET', '/v1/users/me', undefined, { on }))).toBe('401 invalid-token');
      expect(outcome(await browser.call('POST', '/v1/sessions/refresh', {}, { on }))).toBe('401 invalid-token');
    }
  });

  it('hears nothing of a retry, a sign-out or an invented token', async () => {
    const { email, id } = await person(here);
    const phone = await signIn(here, email);
    for (const on of [here, there]) expect((await refresh(on, phone.refreshToken)).statusCode).toBe(200);
    await refresh(here, 'A'.repeat(64));
    await phone.call('DELETE', '/v1/sessions/current');
    await refresh(here, phone.refreshToken);
    expect(await mailsTo(id)).toEqual([]);
  });
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
