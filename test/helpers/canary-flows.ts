import { expect } from 'vitest';
import { apiKeyOf } from './api-keys.ts';
import type { TestApp } from './app.ts';
import { ACCESS, type Browser, openBrowser, REFRESH } from './cookie-jar.ts';
import { challengeFor, codeOf, Device, type PasskeyJson, passkeyOptions } from './factors.ts';
import { magicLink, mailTo, resetToken, tokenFor, tokenIn } from './mailed.ts';
import { call, freshEmail, person, signIn } from './people.ts';

type Answer = Awaited<ReturnType<typeof call>>;

/** What the flows below write their secrets into, and hear answers by. */
export interface Watch {
  readonly service: TestApp;
  readonly email: string;
  readonly secrets: Set<string>;
  /** A route that fails with all it was sent in the text of its error. */
  readonly broken: string;
  /** A secret that nothing else resembles. */
  canary(): string;
  heard(response: Answer): Answer;
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  raw(url: string, payload: string, headers?: Record<string, string>): Promise<Answer>;
}

/** A browser's tokens are in headers, in both directions. */
export async function browse(watch: Watch, password: string): Promise<void> {
  const { service, email, secrets, canary, heard, broken } = watch;
  const browser = openBrowser(service);
  const send = async (...request: Parameters<Browser['call']>) => heard(await browser.call(...request));
  const signIn = { email, password, transport: 'cookie' };
  expect((await send('POST', '/v1/sessions', signIn)).statusCode).toBe(201);
  expect((await send('POST', '/v1/sessions', signIn)).statusCode).toBe(201);
  expect((await send('GET', '/v1/users/me')).statusCode).toBe(200);
  const foreign = { headers: { origin: 'https://evil.example' } };
  expect((await send('PATCH', '/v1/users/me', {}, foreign)).statusCode).toBe(403);
  const first = new Map(browser.cookies);
  for (let n = 0; n < 2; n++) expect((await send('POST', '/v1/sessions/refresh', {})).statusCode).toBe(200);
  expect((await send('POST', broken, {})).statusCode).toBe(500);
  for (const [name, value] of first) browser.cookies.set(name, value);
  expect((await send('POST', '/v1/sessions/refresh', {})).json().code).toBe('refresh-token-reused');
  expect((await send('GET', '/v1/users/me')).statusCode).toBe(401);
  browser.cookies.set(ACCESS, canary().replaceAll(' ', '-')).set(REFRESH, canary().replaceAll(' ', '-'));
  for (const value of browser.cookies.values()) secrets.add(value);
  await send('GET', '/v1/users/me');
  await send('POST', '/v1/sessions/refresh', {});
}

/** All that is mailed, and used wrongly before it is used rightly. */
export async function followMail(watch: Watch, password: string): Promise<void> {
  const { service, email, secrets, canary, post, raw } = watch;
  const use = async (url: string, secret: string, body: object) => {
    secrets.add(secret);
    await post(url, { token: secret, more: canary() });
    await raw(url, `{"token":"${secret}`);
    await call(service, 'GET', `/verify-email?token=${secret}`);
    return post(url, body);
  };
  const verification = await mailTo(service, email, 'verify-email');
  secrets.add(tokenIn(verification.rejectLink));
  const token = tokenIn(verification.link);
  await post('/v1/email-verifications/confirm', { token, password: canary() });
  expect((await use('/v1/email-verifications/confirm', token, { token, password })).statusCode).toBe(200);
  const reset = await resetToken(service, email);
  await post('/v1/password-resets/confirm', { token: reset, newPassword: canary().repeat(12) });
  await use('/v1/password-resets/confirm', reset, { token: reset, newPassword: password });
  const magic = await magicLink(service, email);
  secrets.add(magic.challenge).add(magic.token.slice(44));
  await use('/v1/sessions/magic-link/confirm', magic.token, { token: magic.token });
  const owner = await signIn(service, email, password);
  secrets.add(owner.accessToken).add(owner.refreshToken);
  const next = freshEmail('next');
  await owner.call('PUT', '/v1/users/me/email', { email: next });
  const change = await tokenFor(service, next, 'confirm-new-email');
  await use('/v1/email-changes/confirm', change, { token: change, password: canary() });
}

/** Codes, secrets and challenges, right and wrong, by every way that takes one. */
export async function proveFactors(watch: Watch): Promise<void> {
  const { service, secrets, canary, heard, post } = watch;
  const ada = await person(service);
  const secret = (await ada.call('POST', '/v1/users/me/factors/totp')).json();
  for (const each of [secret.secret, secret.uri, secret.qrCode]) secrets.add(each);
  const mistyped = canary().slice(0, 40);
  secrets.add(mistyped);
  const confirm = (code: string) => ada.call('POST', '/v1/users/me/factors/totp/confirm', { code }).then(heard);
  await confirm(mistyped);
  const { recoveryCodes } = (await confirm(codeOf(secret.secret, -1))).json();
  for (const code of recoveryCodes) secrets.add(code).add(code.replaceAll('-', ''));
  const begin = async () => {
    const challenge = await challengeFor(service, ada.email);
    secrets.add(challenge);
    return challenge;
  };
  const step = async (method: string, code: string) =>
    post('/v1/sessions/mfa', { challenge: await begin(), method, code });
  await step('totp', mistyped);
  await step('recovery-code', mistyped);
  expect((await step('totp', codeOf(secret.secret))).statusCode).toBe(201);
  expect((await step('recovery-code', recoveryCodes[0])).statusCode).toBe(201);
  await step('recovery-code', recoveryCodes[0]);
  const prove = (code: string) =>
    ada.call('POST', '/v1/reauthentication', { method: 'recovery-code', code }).then(heard);
  await prove(mistyped);
  expect((await prove(recoveryCodes[1])).statusCode).toBe(200);
  const device = new Device();
  const asked = (options: PasskeyJson) => {
    secrets.add(options.challenge);
    return options;
  };
  const options = asked((await ada.call('POST', '/v1/users/me/passkeys/options')).json());
  expect((await ada.call('POST', '/v1/users/me/passkeys', { credential: device.create(options) })).statusCode).toBe(
    201,
  );
  const assertion = device.get(asked(await passkeyOptions(service)));
  for (const part of ['signature', 'clientDataJSON']) secrets.add(assertion.response[part]);
  expect((await post('/v1/sessions/passkey', { assertion })).statusCode).toBe(201);
  expect((await post('/v1/sessions/passkey', { assertion })).statusCode).toBe(401);
}

/** API keys: made, used where they may be and where not, wrong ones, and one that is gone. */
export async function callByKey(watch: Watch): Promise<void> {
  const { service, secrets, heard, broken } = watch;
  const admin = await person(service, { roles: ['admin'] });
  const { id, key, headers } = await apiKeyOf(service, admin, ['operations:read']);
  secrets.add(key).add(key.slice(-64));
  const use = (url: string) => call(service, 'GET', url, undefined, { headers }).then(heard);
  expect((await use('/v1/admin/jobs')).statusCode).toBe(200);
  for (const url of ['/v1/users/me', '/v1/admin/users', `/v1/admin/jobs?key=${key}`]) await use(url);
  expect((await call(service, 'POST', broken, {}, { headers }).then(heard)).statusCode).toBe(500);
  const wrong = `rk_${'0'.repeat(16)}_${'c'.repeat(64)}`;
  secrets.add(wrong);
  heard(await call(service, 'GET', '/v1/admin/jobs', undefined, { headers: { authorization: `Bearer ${wrong}` } }));
  expect((await admin.call('DELETE', `/v1/admin/api-keys/${id}`)).statusCode).toBe(204);
  expect((await use('/v1/admin/jobs')).statusCode).toBe(401);
}
