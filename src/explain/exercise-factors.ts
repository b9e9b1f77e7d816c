import { TOTP } from 'otpauth';
import { User } from '../models/user.ts';
import { Authenticator } from './authenticator.ts';
import { type Exercise, PASSWORD, type Person, type Scene } from './scene.ts';

const FACTORS = '/v1/users/me/factors';
const PASSKEYS = '/v1/users/me/passkeys';

/** The code of a secret; the next one while the present one is used up. */
const codeOf = (secret: string, steps = 0): string =>
  new TOTP({ secret }).generate({ timestamp: Date.now() + steps * 30_000 });

interface Enrolled {
  readonly as: Person;
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
}

/** Somebody with an authenticator app, whose present code is used up. */
async function withTotp(scene: Scene): Promise<Enrolled> {
  const as = await scene.person();
  const { secret } = (await scene.prepare({ method: 'POST', url: `${FACTORS}/totp`, as })).json();
  const body = { code: codeOf(secret) };
  const confirmed = await scene.prepare({ method: 'POST', url: `${FACTORS}/totp/confirm`, as, body });
  return { as, secret, recoveryCodes: confirmed.json().recoveryCodes };
}

interface PasskeyOwner {
  readonly as: Person;
  readonly authenticator: Authenticator;
  readonly url: string;
}

async function withPasskey(scene: Scene): Promise<PasskeyOwner> {
  const as = await scene.person();
  const authenticator = new Authenticator(scene.origin);
  const options = (await scene.prepare({ method: 'POST', url: `${PASSKEYS}/options`, as })).json();
  const body = { credential: authenticator.create(options) };
  const added = await scene.prepare({ method: 'POST', url: PASSKEYS, as, body });
  return { as, authenticator, url: `${PASSKEYS}/${added.json().passkey.id}` };
}

async function challengeFor(scene: Scene, { email }: Person): Promise<string> {
  const body = { email, password: PASSWORD };
  return (await scene.prepare({ method: 'POST', url: '/v1/sessions', body, expect: 401 })).json().challenge;
}

const mfa = { method: 'POST', url: '/v1/sessions/mfa' } as const;

/** Routes of factors and of all that is proven by them. */
export const FACTOR_EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  async 'GET /v1/users/me/factors'(scene) {
    const { as } = await withTotp(scene);
    await scene.send({ method: 'GET', url: FACTORS, as });
  },

  async 'POST /v1/users/me/factors/totp'(scene) {
    const as = await scene.person();
    for (let time = 0; time < 2; time++) await scene.send({ method: 'POST', url: `${FACTORS}/totp`, as });
  },

  async 'POST /v1/users/me/factors/totp/confirm'(scene) {
    const as = await scene.person();
    const { secret } = (await scene.prepare({ method: 'POST', url: `${FACTORS}/totp`, as })).json();
    const request = { method: 'POST', url: `${FACTORS}/totp/confirm`, as } as const;
    await scene.send({ ...request, body: { code: 'no code' }, expect: 401 });
    await scene.send({ ...request, body: { code: codeOf(secret) } });
  },

  async 'DELETE /v1/users/me/factors/totp'(scene) {
    const { as } = await withTotp(scene);
    await scene.send({ method: 'DELETE', url: `${FACTORS}/totp`, as });
  },

  async 'POST /v1/users/me/factors/recovery-codes'(scene) {
    const { as } = await withTotp(scene);
    await scene.send({ method: 'POST', url: `${FACTORS}/recovery-codes`, as });
  },

  async 'POST /v1/users/me/passkeys/options'(scene) {
    const { as } = await withPasskey(scene);
    await scene.send({ method: 'POST', url: `${PASSKEYS}/options`, as });
  },

  async 'POST /v1/users/me/passkeys'(scene) {
    const as = await scene.person();
    const options = (await scene.prepare({ method: 'POST', url: `${PASSKEYS}/options`, as })).json();
    const body = { credential: new Authenticator(scene.origin).create(options) };
    await scene.send({ method: 'POST', url: PASSKEYS, as, body });
    await scene.send({ method: 'POST', url: PASSKEYS, as, body, expect: 400 });
  },

  async 'GET /v1/users/me/passkeys'(scene) {
    const { as } = await withPasskey(scene);
    await scene.send({ method: 'GET', url: PASSKEYS, as });
  },

  async 'GET /v1/users/me/passkeys/:id'(scene) {
    const { as, url } = await withPasskey(scene);
    await scene.send({ method: 'GET', url, as });
  },

  async 'PATCH /v1/users/me/passkeys/:id'(scene) {
    const { as, url } = await withPasskey(scene);
    await scene.send({ method: 'PATCH', url, as, body: { name: 'Telephone' } });
  },

  async 'DELETE /v1/users/me/passkeys/:id'(scene) {
    const { as, url } = await withPasskey(scene);
    // All that would be left without a password is looked for, and the last way in stays.
    const { passwordHash } = (await User.findById(as.id).select('+passwordHash').lean()) ?? {};
    await User.updateOne({ _id: as.id }, { $unset: { passwordHash: 1 } });
    await scene.send({ method: 'DELETE', url, as, expect: 409 });
    await User.updateOne({ _id: as.id }, { $set: { passwordHash } });
    await scene.send({ method: 'DELETE', url, as });
  },

  async 'POST /v1/sessions/mfa'(scene) {
    const { as, secret, recoveryCodes } = await withTotp(scene);
    const challenge = await challengeFor(scene, as);
    await scene.send({ ...mfa, body: { challenge, method: 'totp', code: 'no code' }, expect: 401 });
    await scene.send({ ...mfa, body: { challenge, method: 'totp', code: codeOf(secret, 1) } });
    const next = { challenge: await challengeFor(scene, as), method: 'recovery-code' };
    await scene.send({ ...mfa, body: { ...next, code: recoveryCodes[0] } });
    const { as: owner, authenticator } = await withPasskey(scene);
    const begun = { challenge: await challengeFor(scene, owner) };
    const options = await scene.prepare({ ...mfa, url: `${mfa.url}/passkey-options`, body: begun });
    const assertion = authenticator.get(options.json());
    await scene.send({ ...mfa, body: { ...begun, method: 'passkey', assertion } });
  },

  async 'POST /v1/sessions/mfa/passkey-options'(scene) {
    const { as } = await withPasskey(scene);
    const body = { challenge: await challengeFor(scene, as) };
    await scene.send({ ...mfa, url: `${mfa.url}/passkey-options`, body });
  },

  async 'POST /v1/sessions/passkey/options'(scene) {
    await scene.send({ method: 'POST', url: '/v1/sessions/passkey/options' });
  },

  async 'POST /v1/sessions/passkey'(scene) {
    const { authenticator } = await withPasskey(scene);
    const options = (await scene.prepare({ method: 'POST', url: '/v1/sessions/passkey/options' })).json();
    const body = { assertion: authenticator.get(options) };
    await scene.send({ method: 'POST', url: '/v1/sessions/passkey', body });
    await scene.send({ method: 'POST', url: '/v1/sessions/passkey', body, expect: 401 });
  },

  async 'POST /v1/reauthentication'(scene) {
    const request = { method: 'POST', url: '/v1/reauthentication' } as const;
    const as = await scene.person();
    await scene.send({ ...request, as, body: { password: PASSWORD } });
    await scene.send({ ...request, as, body: { password: 'wrong' }, expect: 403 });
    const { as: owner, secret, recoveryCodes } = await withTotp(scene);
    await scene.send({ ...request, as: owner, body: { password: PASSWORD }, expect: 403 });
    await scene.send({ ...request, as: owner, body: { method: 'totp', code: codeOf(secret, 1) } });
    await scene.send({ ...request, as: owner, body: { method: 'recovery-code', code: recoveryCodes[0] } });
  },

  async 'POST /v1/reauthentication/options'(scene) {
    const { as } = await withPasskey(scene);
    await scene.send({ method: 'POST', url: '/v1/reauthentication/options', as });
  },
});
