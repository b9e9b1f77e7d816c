// M5: entering a flow in the middle. Elsewhere the last step took a user id from the request, or a code was confirmed
// against a secret that the client sent along, so that it worked for whoever began with it. Here each step needs what
// the one before gave out, for the same account, the same session and the same purpose.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Credential } from '../../src/models/credential.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import {
  challengeFor,
  codeOf,
  Device,
  enrolPasskey,
  enrolTotp,
  passkeyOptions,
  secondStep,
} from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, type Person, person, signIn } from '../helpers/people.ts';

let service: TestApp;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const confirm = async (who: Person, code: string) =>
  outcome(await who.call('POST', '/v1/users/me/factors/totp/confirm', { code }));

describe('an authenticator app', () => {
  it('is not confirmed before it was begun', async () => {
    expect(await confirm(await person(service), '123456')).toBe('404 not-found');
  });

  it('is confirmed by the secret that was given out last', async () => {
    const ada = await person(service);
    const begin = async () => (await ada.call('POST', '/v1/users/me/factors/totp')).json().secret;
    const [first, second] = [await begin(), await begin()];
    expect(await Credential.countDocuments({ userId: ada.id })).toBe(1);
    expect(await confirm(ada, codeOf(first))).toBe('401 invalid-code');
    expect(await confirm(ada, codeOf(second))).toBe('200');
  });

  it('is not confirmed by what somebody else was given', async () => {
    const [ada, bob] = [await person(service), await person(service)];
    await ada.call('POST', '/v1/users/me/factors/totp');
    const { secret } = (await bob.call('POST', '/v1/users/me/factors/totp')).json();
    expect(await confirm(ada, codeOf(secret))).toBe('401 invalid-code');
  });

  it('counts for nothing before it is confirmed', async () => {
    const ada = await person(service);
    const { secret } = (await ada.call('POST', '/v1/users/me/factors/totp')).json();
    expect((await signIn(service, ada.email)).sessionId).toBeTruthy();
    expect((await ada.call('GET', '/v1/users/me/factors')).json().totp).toBeNull();
    const body = { method: 'totp', code: codeOf(secret) };
    expect(outcome(await ada.call('POST', '/v1/reauthentication', body))).toBe('401 invalid-code');
    expect(outcome(await ada.call('DELETE', '/v1/users/me/factors/totp'))).toBe('404 not-found');
  });
});

describe('a new passkey', () => {
  const options = async (who: Person) => (await who.call('POST', '/v1/users/me/passkeys/options')).json();
  const add = async (who: Person, credential: unknown) =>
    outcome(await who.call('POST', '/v1/users/me/passkeys', { credential }));

  it('answers options of the same account and session', async () => {
    const [ada, bob] = [await person(service), await person(service)];
    const phone = await signIn(service, ada.email);
    const device = new Device();
    expect(await add(ada, device.create(await options(bob)))).toBe('400 validation-failed');
    expect(await add(ada, device.create(await options(phone)))).toBe('400 validation-failed');
    const forSignIn = { ...(await options(ada)), challenge: (await passkeyOptions(service)).challenge };
    expect(await add(ada, device.create(forSignIn))).toBe('400 validation-failed');
    const madeUp = { ...(await options(ada)), challenge: 'A'.repeat(43) };
    expect(await add(ada, device.create(madeUp))).toBe('400 validation-failed');
    expect(await Credential.countDocuments({ userId: { $in: [ada.id, bob.id] } })).toBe(0);
    expect(await add(ada, device.create(await options(ada)))).toBe('201');
  });

  it('is not made of an answer to a sign-in', async () => {
    const ada = await person(service);
    const device = new Device();
    await enrolPasskey(ada, device);
    const { challenge } = await options(ada);
    const assertion = device.get({ ...(await passkeyOptions(service)), challenge });
    expect(outcome(await call(service, 'POST', '/v1/sessions/passkey', { assertion }))).toBe('401 invalid-passkey');
  });
});

describe('the second step of a sign-in', () => {
  it('needs the challenge of the first, of the same person', async () => {
    const [ada, bob] = [await person(service), await person(service)];
    const { secret } = await enrolTotp(ada);
    const { secret: other } = await enrolTotp(bob);
    const step = async (challenge: string, code: string) => outcome(await secondStep(service, challenge, 'totp', code));
    for (const nothing of ['x', 'A'.repeat(43), ada.id, ada.sessionId, ada.accessToken.slice(0, 128)])
      expect(await step(nothing, codeOf(secret))).toBe('401 invalid-token');
    expect(await step((await passkeyOptions(service)).challenge, codeOf(secret))).toBe('401 invalid-token');
    expect(await step(await challengeFor(service, bob.email), codeOf(secret))).toBe('401 invalid-code');
    expect(await step(await challengeFor(service, bob.email), codeOf(other))).toBe('201');
  });

  it('is done once for each first one', async () => {
    const ada = await person(service);
    const { secret } = await enrolTotp(ada);
    const challenge = await challengeFor(service, ada.email);
    expect(outcome(await secondStep(service, challenge, 'totp', codeOf(secret)))).toBe('201');
    passTime(60_000);
    expect(outcome(await secondStep(service, challenge, 'totp', codeOf(secret)))).toBe('401 invalid-token');
    const body = { challenge };
    const again = await call(service, 'POST', '/v1/sessions/mfa/passkey-options', body);
    expect(outcome(again)).toBe('401 invalid-token');
  });
});
