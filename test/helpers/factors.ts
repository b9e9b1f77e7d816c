import type { LightMyRequestResponse as Response } from 'fastify';
import {
  AuthenticatorEmulator,
  type AuthenticatorParameters,
  PasskeysCredentialsMemoryRepository,
  WebAuthnEmulator,
} from 'nid-webauthn-emulator';
import { TOTP } from 'otpauth';
import type { TestApp } from './app.ts';
import { call, type Options, PASSWORD, type Person } from './people.ts';

const STEP_MS = 30_000;

/** The code that an app shows; in `steps` of 30 seconds, if not now. */
export const codeOf = (secret: string, steps = 0): string =>
  TOTP.generate({
    secret: new TOTP({ secret }).secret,
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
    timestamp: Date.now() + steps * STEP_MS,
  });

export interface Enrolled {
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
}

/**
 * Adds an authenticator app to the account. It is confirmed by the code of the step before, so that those of this step
 * and of the next are left; the clock should stand still.
 */
export async function enrolTotp(person: Person, options?: { on?: TestApp }): Promise<Enrolled> {
  const begun = await person.call('POST', '/v1/users/me/factors/totp', undefined, options);
  if (begun.statusCode !== 201) throw new Error(`start answered ${begun.statusCode}: ${begun.body}`);
  const { secret } = begun.json();
  const body = { code: codeOf(secret, -1) };
  const confirmed = await person.call('POST', '/v1/users/me/factors/totp/confirm', body, options);
  if (confirmed.statusCode !== 200) throw new Error(`confirm answered ${confirmed.statusCode}: ${confirmed.body}`);
  return { secret, recoveryCodes: confirmed.json().recoveryCodes ?? [] };
}

/** The first step of a sign-in to an account that has a second factor. */
export async function challengeFor(service: TestApp, email: string, password = PASSWORD): Promise<string> {
  const response = await call(service, 'POST', '/v1/sessions', { email, password });
  if (response.json().code !== 'mfa-required') throw new Error(`sign-in answered ${response.body}`);
  return response.json().challenge;
}

/** The second step. */
export const secondStep = (
  service: TestApp,
  challenge: string,
  method: 'totp' | 'recovery-code',
  code: string,
  options: Options = {},
): Promise<Response> => call(service, 'POST', '/v1/sessions/mfa', { challenge, method, code }, options);

/** Whoever is signed in by an answer to a sign-in. */
export function signedInBy(service: TestApp, response: Response, email: string): Person {
  if (response.statusCode !== 201) throw new Error(`sign-in answered ${response.statusCode}: ${response.body}`);
  const { session, user, accessToken, refreshToken } = response.json();
  const headers = { authorization: `Bearer ${accessToken}` };
  return {
    id: user.id,
    email,
    password: PASSWORD,
    sessionId: session.id,
    accessToken,
    refreshToken,
    headers,
    call: (method, url, body, { on = service, ...options } = {}) =>
      call(on, method, url, body, { ...options, headers: { ...headers, ...options.headers } }),
  };
}

/** As `AuthenticatorAssertionResponse` and `AuthenticatorAttestationResponse` are in JSON. */
// biome-ignore lint/suspicious/noExplicitAny: what tests do to it is not what its type allows
export type PasskeyJson = any;

/** A device with passkeys of its own, on a page of the service unless another is given. */
export class Device {
  readonly #emulator: WebAuthnEmulator;

  constructor(settings: Partial<AuthenticatorParameters> = {}) {
    const credentialsRepository = new PasskeysCredentialsMemoryRepository();
    this.#emulator = new WebAuthnEmulator(new AuthenticatorEmulator({ credentialsRepository, ...settings }));
  }

  create(options: PasskeyJson, origin = ORIGIN): PasskeyJson {
    return this.#emulator.createJSON(origin, options, [origin]);
  }

  get(options: PasskeyJson, origin = ORIGIN): PasskeyJson {
    return this.#emulator.getJSON(origin, options, [origin]);
  }
}

/** Where the service is by default. */
export const ORIGIN = 'http://localhost:3000';

/** Adds a passkey of the device to the account; answers as the service does. */
export async function enrolPasskey(person: Person, device: Device, name?: string): Promise<Response> {
  const options = await person.call('POST', '/v1/users/me/passkeys/options');
  if (options.statusCode !== 200) throw new Error(`options answered ${options.statusCode}: ${options.body}`);
  const credential = device.create(options.json());
  return person.call('POST', '/v1/users/me/passkeys', { credential, ...(name !== undefined && { name }) });
}

export const passkeyOptions = async (service: TestApp): Promise<PasskeyJson> =>
  (await call(service, 'POST', '/v1/sessions/passkey/options')).json();

/** Signs in by a passkey of the device alone. */
export async function passkeySignIn(service: TestApp, device: Device): Promise<Response> {
  const assertion = device.get(await passkeyOptions(service));
  return call(service, 'POST', '/v1/sessions/passkey', { assertion });
}
