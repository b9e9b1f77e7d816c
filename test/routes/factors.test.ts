import { URI } from 'otpauth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Credential } from '../../src/models/credential.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { commandsOf } from '../helpers/commands.ts';
import { challengeFor, codeOf, Device, enrolPasskey, enrolTotp, secondStep } from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person, signIn } from '../helpers/people.ts';

const FACTORS = '/v1/users/me/factors';

let service: TestApp;
let ada: Person;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp({ SERVICE_NAME: 'Lighthouse' });
});
afterAll(() => service.close());
beforeEach(async () => {
  ada = await person(service);
});

const overview = async () => (await ada.call('GET', FACTORS)).json();

describe('the overview', () => {
  it('is empty at first', async () => {
    expect(await overview()).toEqual({ totp: null, recoveryCodes: null, passkeys: [] });
  });

  it('shows each factor and none of its secrets', async () => {
    await enrolTotp(ada);
    await enrolPasskey(ada, new Device(), 'Key');
    const now = new Date().toISOString();
    expect(await overview()).toEqual({
      totp: { id: expect.stringMatching(/^[0-9a-f]{24}$/), createdAt: now, lastUsedAt: now },
      recoveryCodes: { left: 10, createdAt: now },
      passkeys: [expect.objectContaining({ name: 'Key', lastUsedAt: null, createdAt: now })],
    });
  });

  it('is one query', async () => {
    await enrolTotp(ada);
    expect(await commandsOf(() => ada.call('GET', FACTORS))).toEqual(['find sessions', 'find credentials']);
  });
});

describe('an authenticator app', () => {
  it('is set up by a secret, a URI and a picture of it', async () => {
    const response = await ada.call('POST', `${FACTORS}/totp`);
    expect(response.statusCode).toBe(201);
    const { secret, uri, qrCode } = response.json();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(URI.parse(uri)).toMatchObject({ issuer: 'Lighthouse', label: ada.email });
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    const [, picture = ''] = /^data:image\/svg\+xml;base64,(.+)$/.exec(qrCode) ?? [];
    expect(Buffer.from(picture, 'base64').toString()).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
  });

  it('gives recovery codes when it is the first factor, and none besides others', async () => {
    const { recoveryCodes } = await enrolTotp(ada);
    expect(recoveryCodes).toHaveLength(10);
    const bob = await person(service);
    const { recoveryCodes: first } = (await enrolPasskey(bob, new Device())).json();
    expect(first).toHaveLength(10);
    expect((await enrolTotp(bob)).recoveryCodes).toEqual([]);
  });

  it('is one for an account', async () => {
    await enrolTotp(ada);
    expect(outcome(await ada.call('POST', `${FACTORS}/totp`))).toBe('409 factor-exists');
    expect(outcome(await ada.call('POST', `${FACTORS}/totp/confirm`, { code: '123456' }))).toBe('409 factor-exists');
  });

  it('is asked for at each sign-in, until it is removed', async () => {
    const { secret } = await enrolTotp(ada);
    const signedIn = await secondStep(service, await challengeFor(service, ada.email), 'totp', codeOf(secret));
    expect(signedIn.headers['location']).toBe(`/v1/sessions/${signedIn.json().session.id}`);
    expect(signedIn.json().session.authenticationMethods).toEqual(['pwd', 'otp', 'mfa']);
    expect(outcome(await ada.call('DELETE', `${FACTORS}/totp`))).toBe('204');
    expect((await signIn(service, ada.email)).sessionId).toBeTruthy();
    expect(await overview()).toEqual({ totp: null, recoveryCodes: null, passkeys: [] });
    expect(await Credential.countDocuments({ userId: ada.id })).toBe(0);
  });

  it('leaves the codes when another factor stays', async () => {
    await enrolTotp(ada);
    await enrolPasskey(ada, new Device());
    await ada.call('DELETE', `${FACTORS}/totp`);
    expect((await User.findById(ada.id).lean())?.secondFactors).toEqual(['passkey']);
    expect((await overview()).recoveryCodes.left).toBe(10);
  });

  it('wakes an inactive account as a sign-in does', async () => {
    const { secret } = await enrolTotp(ada);
    const challenge = await challengeFor(service, ada.email);
    await User.updateOne({ _id: ada.id }, { $set: { status: 'inactive' } });
    const woken = await secondStep(service, challenge, 'totp', codeOf(secret));
    expect(woken.json().user.status).toBe('active');
  });
});

describe('recovery codes', () => {
  it('are made anew as a set', async () => {
    const { recoveryCodes: old } = await enrolTotp(ada);
    const response = await ada.call('POST', `${FACTORS}/recovery-codes`);
    expect(response.statusCode).toBe(201);
    const { recoveryCodes } = response.json();
    expect(new Set([...old, ...recoveryCodes]).size).toBe(20);
  });
});

describe('the second step', () => {
  it.each([
    [{ method: 'totp' }, '/code'],
    [{ method: 'recovery-code' }, '/code'],
    [{ method: 'passkey' }, '/assertion'],
    [{ method: 'passkey', code: '123456' }, '/code'],
    [{ method: 'sms', code: '123456' }, '/method'],
    [{ code: '123456' }, '/method'],
  ])('refuses %o, and spends no try on it', async (input, pointer) => {
    await enrolTotp(ada);
    const challenge = await challengeFor(service, ada.email);
    for (let time = 0; time < 6; time += 1) {
      const refused = await call(service, 'POST', '/v1/sessions/mfa', { challenge, ...input });
      expect(outcome(refused)).toBe('400 validation-failed');
      expect(refused.json().errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer);
    }
    const options = await call(service, 'POST', '/v1/sessions/mfa/passkey-options', { challenge });
    expect(outcome(options)).toBe('200');
  });

  it('takes no idempotency key, as its response carries a secret', async () => {
    const headers = { 'idempotency-key': 'a-key' };
    for (const url of ['/v1/sessions/mfa', '/v1/sessions/mfa/passkey-options', '/v1/sessions/passkey'])
      expect(outcome(await call(service, 'POST', url, {}, { headers }))).toBe('400 idempotency-not-supported');
  });

  it('costs an account without factors nothing', async () => {
    const commands = await commandsOf(() => signIn(service, ada.email));
    expect(commands.filter((command) => /credentials|one_time_tokens/.test(command))).toEqual([]);
    expect(commands.filter((command) => command.endsWith('users'))).toEqual(['find users', 'findAndModify users']);
  });
});

describe('proving again who one is', () => {
  const prove = (body: unknown) => ada.call('POST', '/v1/reauthentication', body);

  it('by the password', async () => {
    const response = await prove({ password: PASSWORD });
    expect(response.json()).toEqual({
      session: expect.objectContaining({ id: ada.sessionId, current: true, authenticationMethods: ['pwd'] }),
      recentUntil: new Date(Date.now() + 600_000).toISOString(),
    });
    expect(outcome(await prove({ password: 'wrong' }))).toBe('403 wrong-password');
  });

  it('by a passkey', async () => {
    const device = new Device();
    await enrolPasskey(ada, device);
    const options = (await ada.call('POST', '/v1/reauthentication/options')).json();
    expect(options.allowCredentials).toHaveLength(1);
    const proven = await prove({ assertion: device.get(options) });
    expect(proven.json().session.authenticationMethods).toEqual(['pwd', 'pop', 'mfa']);
  });

  it('counts for this session alone', async () => {
    const phone = await signIn(service, ada.email);
    await prove({ password: PASSWORD });
    expect((await prove({ password: PASSWORD })).statusCode).toBe(200);
    expect(outcome(await phone.call('GET', '/v1/users/me'))).toBe('200');
  });

  it.each([
    [{}, ''],
    [{ method: 'totp' }, '/code'],
    [{ code: '123456' }, '/code'],
    [{ password: PASSWORD, code: '123456' }, '/code'],
    [{ method: 'passkey', code: '123456' }, '/method'],
  ])('refuses %o', async (body, pointer) => {
    const refused = await prove(body);
    expect(outcome(refused)).toBe('400 validation-failed');
    expect(refused.json().errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer);
  });
});
