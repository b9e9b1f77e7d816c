// M3: guessing codes. Elsewhere a challenge could be tried without end, or the count began anew with each challenge, of
// which whoever has the password gets as many as they like; a million codes are soon tried. Here a challenge has five
// tries, counted before anything is compared, and a person's wrong codes are counted across challenges.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Credential } from '../../src/models/credential.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, type Enrolled, enrolTotp, secondStep } from '../helpers/factors.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';
import { call, type Person, person } from '../helpers/people.ts';

const TRIES = 5;
const WRONG_CODES = 10;
const HOUR_MS = 3_600_000;

let here: TestApp;
let there: TestApp;
stopTheClock();
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

async function enrolled(): Promise<{ ada: Person; factor: Enrolled }> {
  const ada = await person(here);
  return { ada, factor: await enrolTotp(ada) };
}

/** A code of six digits that is none of those that are right now. */
const wrongCode = ({ secret }: Enrolled): string => {
  const right = [-1, 0, 1].map((steps) => codeOf(secret, steps));
  return ['000000', '111111', '222222', '333333'].find((code) => !right.includes(code)) ?? '';
};

const wrongRecoveryCode = '0000-0000-0000-0000';

/** As many wrong codes as a person has, over challenges and instances. */
async function useUp(ada: Person, method: 'totp' | 'recovery-code', code: string): Promise<void> {
  for (let round = 0; round < WRONG_CODES / TRIES; round += 1) {
    const challenge = await challengeFor(here, ada.email);
    for (let n = 0; n < TRIES; n += 1)
      expect(outcome(await secondStep(n % 2 ? here : there, challenge, method, code))).toBe('401 invalid-code');
  }
}

describe('a challenge', () => {
  it('is over after five tries, also for the right code', async () => {
    const { ada, factor } = await enrolled();
    const challenge = await challengeFor(here, ada.email);
    for (let n = 0; n < TRIES; n += 1)
      expect(outcome(await secondStep(n % 2 ? here : there, challenge, 'totp', wrongCode(factor)))).toBe(
        '401 invalid-code',
      );
    expect(outcome(await secondStep(here, challenge, 'totp', codeOf(factor.secret)))).toBe('401 invalid-token');
    expect(outcome(await secondStep(here, challenge, 'recovery-code', factor.recoveryCodes[0] ?? ''))).toBe(
      '401 invalid-token',
    );
    // Nothing of it was used up, and the next challenge is a new one.
    const next = await challengeFor(here, ada.email);
    expect(outcome(await secondStep(here, next, 'totp', codeOf(factor.secret)))).toBe('201');
  });

  it('answers five of many tries at once', async () => {
    const { ada, factor } = await enrolled();
    const challenge = await challengeFor(here, ada.email);
    const answers = await inParallel([here, there], 12, (on) => secondStep(on, challenge, 'totp', wrongCode(factor)));
    expect(tally(answers)).toEqual({ '401 invalid-code': TRIES, '401 invalid-token': 12 - TRIES });
  });

  it('is over after ten minutes', async () => {
    const { ada, factor } = await enrolled();
    const challenge = await challengeFor(here, ada.email);
    passTime(10 * 60_000);
    expect(outcome(await secondStep(here, challenge, 'totp', codeOf(factor.secret)))).toBe('401 invalid-token');
  });
});

describe('a person', () => {
  it('has ten wrong codes in an hour, over all challenges and instances', async () => {
    const { ada, factor } = await enrolled();
    await useUp(ada, 'totp', wrongCode(factor));
    const late = await secondStep(there, await challengeFor(here, ada.email), 'totp', wrongCode(factor));
    const right = await secondStep(here, await challengeFor(here, ada.email), 'totp', codeOf(factor.secret));
    for (const answer of [late, right]) {
      expect(outcome(answer)).toBe('429 rate-limited');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    // The right one was not used up by being refused.
    expect((await Credential.findOne({ userId: ada.id, type: 'totp' }).lean())?.lastUsedAt).toEqual(new Date());
    passTime(HOUR_MS);
    const again = await secondStep(here, await challengeFor(here, ada.email), 'totp', codeOf(factor.secret));
    expect(outcome(again)).toBe('201');
  });

  it('has as many in a session that asks for a code, and no more', async () => {
    const { ada, factor } = await enrolled();
    const prove = (method: string, code: string) => ada.call('POST', '/v1/reauthentication', { method, code });
    for (let n = 0; n < WRONG_CODES; n += 1)
      expect(outcome(await prove('totp', wrongCode(factor)))).toBe('401 invalid-code');
    for (const code of [wrongCode(factor), codeOf(factor.secret)])
      expect(outcome(await prove('totp', code))).toBe('429 rate-limited');
  });

  it('is not shut out on a device that is known, nor in a session, by somebody who guesses elsewhere', async () => {
    const { ada, factor } = await enrolled();
    const first = await secondStep(here, await challengeFor(here, ada.email), 'totp', codeOf(factor.secret));
    const { deviceToken } = first.json();
    passTime(60_000);
    await useUp(ada, 'totp', wrongCode(factor));
    const body = { method: 'totp', code: codeOf(factor.secret) };
    const unknown = { ...body, challenge: await challengeFor(here, ada.email) };
    expect(outcome(await call(there, 'POST', '/v1/sessions/mfa', unknown))).toBe('429 rate-limited');
    const known = { ...body, challenge: await challengeFor(here, ada.email), deviceToken };
    expect(outcome(await call(there, 'POST', '/v1/sessions/mfa', known))).toBe('201');
    const next = { method: 'totp', code: codeOf(factor.secret, 1) };
    expect(outcome(await ada.call('POST', '/v1/reauthentication', next))).toBe('200');
  });

  it('has no more by the device token of somebody else', async () => {
    const { ada, factor } = await enrolled();
    const { ada: bob, factor: other } = await enrolled();
    const step = await secondStep(here, await challengeFor(here, bob.email), 'totp', codeOf(other.secret));
    await useUp(ada, 'totp', wrongCode(factor));
    const { deviceToken } = step.json();
    const challenge = await challengeFor(here, ada.email);
    const body = { challenge, method: 'totp', code: codeOf(factor.secret), deviceToken };
    expect(outcome(await call(here, 'POST', '/v1/sessions/mfa', body))).toBe('429 rate-limited');
  });

  it('is not shut out by somebody who guesses: the other kind of code has a count of its own', async () => {
    const { ada, factor } = await enrolled();
    await useUp(ada, 'totp', wrongCode(factor));
    const challenge = await challengeFor(here, ada.email);
    const recovered = await secondStep(here, challenge, 'recovery-code', factor.recoveryCodes[0] ?? '');
    expect(outcome(recovered)).toBe('201');
    const { ada: bob, factor: other } = await enrolled();
    await useUp(bob, 'recovery-code', wrongRecoveryCode);
    const byApp = await secondStep(here, await challengeFor(here, bob.email), 'totp', codeOf(other.secret));
    expect(outcome(byApp)).toBe('201');
  });

  it('gets no more answers by guessing in parallel', async () => {
    const { ada, factor } = await enrolled();
    const challenges: string[] = [];
    for (let n = 0; n < 4; n += 1) challenges.push(await challengeFor(here, ada.email));
    const answers = await inParallel([here, there], 4 * TRIES, (on, index) =>
      secondStep(on, challenges[index % challenges.length] ?? '', 'totp', wrongCode(factor)),
    );
    expect(tally(answers)).toEqual({ '401 invalid-code': WRONG_CODES, '429 rate-limited': 4 * TRIES - WRONG_CODES });
    const failures = { 'target.id': ada.id, action: 'factor.used', outcome: 'failure' } as const;
    expect(await AuditEvent.countDocuments(failures)).toBe(WRONG_CODES);
  });

  it('is not limited for being right: parallel right codes all succeed', async () => {
    const { ada, factor } = await enrolled();
    const challenges = await inParallel([here, there], 9, (on) => challengeFor(on, ada.email));
    const answers = await inParallel([here, there], 9, (on, index) =>
      secondStep(on, challenges[index] ?? '', 'recovery-code', factor.recoveryCodes[index] ?? ''),
    );
    expect(tally(answers)).toEqual({ 201: 9 });
  });
});
