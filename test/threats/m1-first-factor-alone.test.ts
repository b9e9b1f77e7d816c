// M1: the first factor alone. Elsewhere a session was opened before the second factor was asked for, and an application
// that forgot to look at a flag let it in; or a session from before the factor was added went on without. Here the
// first factor gives a challenge, which is good for the second step and for nothing else.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { CHALLENGE_METHODS } from '../../src/models/second-factor.ts';
import { Session } from '../../src/models/session.ts';
import { findForSignIn, startSession } from '../../src/models/sign-in.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, Device, enrolPasskey, enrolTotp, secondStep } from '../helpers/factors.ts';
import { attempt, operationsOf } from '../helpers/operations.ts';
import { inParallel, outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person, refresh, signIn } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
stopTheClock();
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

const sessionsOf = ({ id }: Person) => Session.countDocuments({ userId: id });

describe('the right password of an account with a second factor', () => {
  let ada: Person;
  let secret: string;
  beforeAll(async () => {
    ada = await person(here);
    ({ secret } = await enrolTotp(ada));
  });

  it('opens no session, and is answered with a challenge and no token', async () => {
    const before = await sessionsOf(ada);
    const response = await call(there, 'POST', '/v1/sessions', { email: ada.email, password: PASSWORD });
    expect(outcome(response)).toBe('401 mfa-required');
    const { challenge, methods, ...rest } = response.json();
    expect(Object.keys(rest).sort()).toEqual(['code', 'requestId', 'status', 'title', 'type']);
    expect(challenge).toMatch(/^[\w-]{43}$/);
    expect(methods).toEqual(['totp', 'recovery-code']);
    expect(CHALLENGE_METHODS).toEqual(expect.arrayContaining(methods));
    expect(await sessionsOf(ada)).toBe(before);
  });

  it('gives a challenge that is no access token anywhere, and no refresh token', async () => {
    const challenge = await challengeFor(here, ada.email);
    const headers = { authorization: `Bearer ${challenge}` };
    const signedIn = operationsOf(here).filter((operation) => operation.signedIn);
    expect(signedIn.length).toBeGreaterThan(20);
    for (const operation of signedIn) {
      const response = await attempt(here, operation, { ...ada, headers }, operation.body);
      expect(outcome(response), operation.name).toBe('401 invalid-token');
    }
    expect(outcome(await refresh(here, challenge))).toBe('401 invalid-token');
    // All the while it was good for what it is good for.
    const done = await secondStep(there, challenge, 'totp', codeOf(secret));
    expect(done.json().session.authenticationMethods).toEqual(['pwd', 'otp', 'mfa']);
  });
});

describe('a session that was opened without the factor', () => {
  it('ends when the first one is added, but for the session that adds it', async () => {
    const ada = await person(here);
    const phone = await signIn(there, ada.email);
    await enrolTotp(ada);
    expect(outcome(await phone.call('GET', '/v1/users/me'))).toBe('401 invalid-token');
    expect(outcome(await refresh(here, phone.refreshToken))).toBe('401 invalid-token');
    expect(outcome(await ada.call('GET', '/v1/users/me', undefined, { on: there }))).toBe('200');
    const session = await Session.findById(ada.sessionId).lean();
    expect(session?.authenticationMethods).toEqual(['pwd', 'otp', 'mfa']);
  });

  it('ends with the first passkey too', async () => {
    const ada = await person(here);
    const phone = await signIn(there, ada.email);
    expect((await enrolPasskey(ada, new Device())).statusCode).toBe(201);
    expect(outcome(await phone.call('GET', '/v1/users/me'))).toBe('401 invalid-token');
    expect(await Session.distinct('authenticationMethods', { userId: ada.id })).toEqual(
      expect.arrayContaining(['mfa', 'pop']),
    );
  });

  it('is not opened by a sign-in that began before', async () => {
    const ada = await person(here);
    const user = await findForSignIn(ada.email);
    if (!user) throw new Error('no such account');
    await enrolTotp(ada);
    const proof = { user, methods: ['pwd'], guard: { passwordHash: user.passwordHash ?? '' } } as const;
    const options = { keyring: here.deps.keyring, lifetimes: here.config };
    const late = await transaction((tx) => startSession(tx, { actor: { type: 'anonymous' } }, proof, options));
    expect(late).toBeNull();
  });

  it('is not opened by one of many sign-ins beside', async () => {
    const ada = await person(here);
    const { secret } = (await ada.call('POST', '/v1/users/me/factors/totp')).json();
    const [confirmed] = await Promise.all([
      ada.call('POST', '/v1/users/me/factors/totp/confirm', { code: codeOf(secret) }),
      inParallel([here, there], 8, (on) => call(on, 'POST', '/v1/sessions', { email: ada.email, password: PASSWORD })),
    ]);
    expect(confirmed.statusCode).toBe(200);
    expect(await Session.countDocuments({ userId: ada.id, authenticationMethods: { $ne: 'mfa' } })).toBe(0);
  });
});
