// M2: a code that works twice. Elsewhere a TOTP code was good for as long as it was shown, so that whoever looked over a
// shoulder or phished it could use it again; and a recovery code was only marked as used after the sign-in. Here the
// step of the last code is remembered, and a recovery code is gone in the transaction that it is used in.

import mongoose from 'mongoose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reencrypt } from '../../src/key-rotation/reencrypt.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { Credential } from '../../src/models/credential.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, type Enrolled, enrolTotp, secondStep } from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let ada: Person;
let factor: Enrolled;
stopTheClock();
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());
beforeEach(async () => {
  ada = await person(here);
  factor = await enrolTotp(ada);
});

const step = async (on: TestApp, method: 'totp' | 'recovery-code', code: string) =>
  outcome(await secondStep(on, await challengeFor(on, ada.email), method, code));

describe('a TOTP code', () => {
  it('works once, on whatever instance', async () => {
    expect(await step(here, 'totp', codeOf(factor.secret))).toBe('201');
    for (const instance of [here, there])
      expect(await step(instance, 'totp', codeOf(factor.secret))).toBe('401 invalid-code');
  });

  it('is dead once a later one was used', async () => {
    expect(await step(here, 'totp', codeOf(factor.secret, 1))).toBe('201');
    expect(await step(there, 'totp', codeOf(factor.secret))).toBe('401 invalid-code');
    passTime(60_000);
    expect(await step(there, 'totp', codeOf(factor.secret))).toBe('201');
  });

  it('that confirmed the app is used up', async () => {
    expect(await step(here, 'totp', codeOf(factor.secret, -1))).toBe('401 invalid-code');
  });

  it('works one step early and one step late, and no further', async () => {
    passTime(300_000);
    for (const steps of [-2, 2])
      expect(await step(here, 'totp', codeOf(factor.secret, steps))).toBe('401 invalid-code');
    for (const steps of [-1, 1]) expect(await step(here, 'totp', codeOf(factor.secret, steps))).toBe('201');
  });

  it('that proved who somebody is signs nobody in', async () => {
    const body = { method: 'totp', code: codeOf(factor.secret) };
    expect(outcome(await ada.call('POST', '/v1/reauthentication', body))).toBe('200');
    expect(outcome(await ada.call('POST', '/v1/reauthentication', body))).toBe('401 invalid-code');
    expect(await step(here, 'totp', body.code)).toBe('401 invalid-code');
  });
});

describe('a recovery code', () => {
  it('works once, on whatever instance, however it is written', async () => {
    const [code = ''] = factor.recoveryCodes;
    expect(await step(here, 'recovery-code', ` ${code.toUpperCase().replaceAll('-', ' ')} `)).toBe('201');
    for (const instance of [here, there]) expect(await step(instance, 'recovery-code', code)).toBe('401 invalid-code');
    expect((await ada.call('GET', '/v1/users/me/factors')).json().recoveryCodes.left).toBe(9);
  });

  it('is dead once there is a new set', async () => {
    const { recoveryCodes } = (await ada.call('POST', '/v1/users/me/factors/recovery-codes')).json();
    expect(await step(here, 'recovery-code', factor.recoveryCodes[0] ?? '')).toBe('401 invalid-code');
    expect(await step(here, 'recovery-code', recoveryCodes[0])).toBe('201');
    expect(await Credential.countDocuments({ userId: ada.id, type: 'recovery-code' })).toBe(9);
  });

  it('of somebody else is none', async () => {
    const bob = await person(here);
    const { recoveryCodes } = await enrolTotp(bob);
    expect(await step(here, 'recovery-code', recoveryCodes[0] ?? '')).toBe('401 invalid-code');
  });

  it('goes on working when the keys are changed, and the app too, also once the old key is gone', async () => {
    const key = generateKeyringSpec();
    const renewed = await here.another({ KEYRING: `${key},${here.config.KEYRING}` });
    const [first = '', second = ''] = factor.recoveryCodes;
    expect(await step(renewed, 'recovery-code', first)).toBe('201');
    expect(await step(renewed, 'totp', codeOf(factor.secret))).toBe('201');
    await reencrypt(mongoose.connection, renewed.deps.keyring, () => {});
    const alone = await here.another({ KEYRING: key });
    expect(await step(alone, 'recovery-code', second)).toBe('201');
    expect(await step(alone, 'totp', codeOf(factor.secret, 1))).toBe('201');
  });
});
