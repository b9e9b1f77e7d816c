import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import { challengeFor, Device, enrolPasskey, passkeySignIn, signedInBy } from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, type Person, person, signIn } from '../helpers/people.ts';

const PASSKEYS = '/v1/users/me/passkeys';

let service: TestApp;
let ada: Person;
let device: Device;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());
beforeEach(async () => {
  [ada, device] = [await person(service), new Device()];
});

const uuid = (text: string) => new Uint8Array(Buffer.from(text.replaceAll('-', ''), 'hex'));

describe('the options of a new passkey', () => {
  it('ask for a discoverable key that verifies its user, and name the account', async () => {
    await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada', lastName: 'Lovelace' });
    const options = (await ada.call('POST', `${PASSKEYS}/options`)).json();
    expect(options).toMatchObject({
      rp: { id: 'localhost', name: 'Roster' },
      user: { name: ada.email, displayName: 'Ada Lovelace', id: Buffer.from(ada.id, 'hex').toString('base64url') },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      excludeCredentials: [],
      timeout: 300_000,
    });
    expect(options.pubKeyCredParams.map(({ alg }: { alg: number }) => alg)).toEqual([-8, -7, -257]);
  });

  it('keep a device from making a second one', async () => {
    const { passkey } = (await enrolPasskey(ada, device)).json();
    const options = (await ada.call('POST', `${PASSKEYS}/options`)).json();
    expect(options.excludeCredentials).toEqual([
      { id: expect.any(String), type: 'public-key', transports: passkey.transports },
    ]);
    expect(() => device.create(options)).toThrow();
  });
});

describe('a passkey', () => {
  it('is answered as it will be listed, with where it is and its version', async () => {
    const response = await enrolPasskey(ada, device, '  My <b>telephone</b> ');
    const { passkey } = response.json();
    expect(passkey).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      name: 'My telephone',
      transports: ['usb'],
      backedUp: true,
      createdAt: new Date().toISOString(),
      lastUsedAt: null,
    });
    expect(response.headers['location']).toBe(`${PASSKEYS}/${passkey.id}`);
    const read = await ada.call('GET', `${PASSKEYS}/${passkey.id}`);
    expect([read.json(), read.headers['etag']]).toEqual([passkey, response.headers['etag']]);
    expect((await ada.call('GET', PASSKEYS)).json()).toEqual({ items: [passkey] });
  });

  it('is named after where it is kept, or the device that made it', async () => {
    const nameBy = async (aaguid: Uint8Array, userAgent: string) => {
      const maker = new Device({ aaguid: aaguid as Uint8Array<ArrayBuffer> });
      const options = (await ada.call('POST', `${PASSKEYS}/options`)).json();
      const body = { credential: maker.create(options) };
      const headers = { 'user-agent': userAgent };
      return (await ada.call('POST', PASSKEYS, body, { headers })).json().passkey.name;
    };
    const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
    expect(await nameBy(uuid('fbfc3007-154e-4ecc-8c0b-6e020557d7bd'), firefox)).toBe('Apple Passwords');
    expect(await nameBy(new Uint8Array(16), firefox)).toBe('Firefox on Windows');
    expect(await nameBy(new Uint8Array(16), 'something')).toBe('Passkey');
  });

  it('signs in by itself, also where there is no password', async () => {
    await enrolPasskey(ada, device);
    await User.updateOne({ _id: ada.id }, { $unset: { passwordHash: 1 } });
    const response = await passkeySignIn(service, device);
    expect(response.json()).toMatchObject({
      user: { id: ada.id },
      session: { authenticationMethods: ['pop', 'mfa'], current: true },
    });
    const signedIn = signedInBy(service, response, ada.email);
    const { items } = (await signedIn.call('GET', PASSKEYS)).json();
    expect(items[0].lastUsedAt).toBe(new Date().toISOString());
  });

  it('wakes an inactive account', async () => {
    await enrolPasskey(ada, device);
    await User.updateOne({ _id: ada.id }, { $set: { status: 'inactive' } });
    expect((await passkeySignIn(service, device)).json().user.status).toBe('active');
  });

  it('is a second factor beside the password', async () => {
    await enrolPasskey(ada, device);
    const challenge = await challengeFor(service, ada.email);
    const options = await call(service, 'POST', '/v1/sessions/mfa/passkey-options', { challenge });
    const body = { challenge, method: 'passkey', assertion: device.get(options.json()) };
    const response = await call(service, 'POST', '/v1/sessions/mfa', body);
    expect(response.json().session.authenticationMethods).toEqual(['pwd', 'pop', 'mfa']);
  });

  it('is renamed, by whoever knows its version', async () => {
    const added = await enrolPasskey(ada, device);
    const url = `${PASSKEYS}/${added.json().passkey.id}`;
    const ifMatch = (etag: string) => ({ headers: { 'if-match': etag } });
    const etag = String(added.headers['etag']);
    const renamed = await ada.call('PATCH', url, { name: 'Laptop' }, ifMatch(`"other", ${etag}`));
    expect([outcome(renamed), renamed.json().name]).toEqual(['200', 'Laptop']);
    expect(renamed.headers['etag']).not.toBe(etag);
    for (const stale of [etag, `W/${renamed.headers['etag']}`, '"1"'])
      expect(outcome(await ada.call('PATCH', url, { name: 'X' }, ifMatch(stale)))).toBe('412 precondition-failed');
    expect(outcome(await ada.call('DELETE', url, undefined, ifMatch(etag)))).toBe('412 precondition-failed');
    const known = { headers: { 'if-none-match': String(renamed.headers['etag']) } };
    expect((await ada.call('GET', url, undefined, known)).statusCode).toBe(304);
    expect(outcome(await ada.call('PATCH', url, { name: ' <i> ' }))).toBe('400 validation-failed');
    expect(outcome(await ada.call('DELETE', url, undefined, ifMatch('*')))).toBe('204');
    expect(outcome(await ada.call('GET', url))).toBe('404 not-found');
  });

  it('that is gone signs in no more, and the password alone does again', async () => {
    const { passkey } = (await enrolPasskey(ada, device)).json();
    expect(outcome(await ada.call('DELETE', `${PASSKEYS}/${passkey.id}`))).toBe('204');
    expect(outcome(await passkeySignIn(service, device))).toBe('401 invalid-passkey');
    expect((await signIn(service, ada.email)).sessionId).toBeTruthy();
    expect((await ada.call('GET', '/v1/users/me/factors')).json().recoveryCodes).toBeNull();
  });

  it('stays when it is the last way in, and no longer', async () => {
    const [first, second] = [(await enrolPasskey(ada, device)).json(), (await enrolPasskey(ada, new Device())).json()];
    await User.updateOne({ _id: ada.id }, { $unset: { passwordHash: 1 } });
    const remove = async (id: string) => outcome(await ada.call('DELETE', `${PASSKEYS}/${id}`));
    expect(await remove(second.passkey.id)).toBe('204');
    expect(await remove(first.passkey.id)).toBe('409 last-credential');
    expect(outcome(await passkeySignIn(service, device))).toBe('201');
    await User.updateOne({ _id: ada.id }, { $set: { passwordHash: 'x' } });
    expect(await remove(first.passkey.id)).toBe('204');
  });

  it('ends no session but those from before the first factor', async () => {
    await enrolPasskey(ada, device);
    passTime(1_000);
    expect(outcome(await passkeySignIn(service, device))).toBe('201');
    await enrolPasskey(ada, new Device());
    expect(await Session.countDocuments({ userId: ada.id })).toBe(2);
  });
});
