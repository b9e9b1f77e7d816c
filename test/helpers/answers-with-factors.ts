import type { World } from './answers.ts';
import { challengeFor, codeOf, Device } from './factors.ts';
import { age, PASSWORD, person } from './people.ts';

const FACTORS = '/v1/users/me/factors';
const PASSKEYS = '/v1/users/me/passkeys';

export async function withApp({ service, see, post }: World): Promise<void> {
  const ada = await person(service);
  const confirm = `POST ${FACTORS}/totp/confirm`;
  await see(`GET ${FACTORS}`, ada.call('GET', FACTORS));
  await see(confirm, ada.call('POST', `${FACTORS}/totp/confirm`, { code: '123456' }));
  const [begun] = await see(`POST ${FACTORS}/totp`, ada.call('POST', `${FACTORS}/totp`));
  const { secret } = begun?.json() ?? {};
  await see(confirm, ada.call('POST', `${FACTORS}/totp/confirm`, { code: 'no code' }));
  const [confirmed] = await see(confirm, ada.call('POST', `${FACTORS}/totp/confirm`, { code: codeOf(secret) }));
  const { recoveryCodes } = confirmed?.json() ?? {};
  await see(`POST ${FACTORS}/totp`, ada.call('POST', `${FACTORS}/totp`));
  await see(`GET ${FACTORS}`, ada.call('GET', FACTORS));
  await see('POST /v1/sessions', post('/v1/sessions', { email: ada.email, password: PASSWORD }));
  const mfa = async (method: string, code: string) =>
    post('/v1/sessions/mfa', { challenge: await challengeFor(service, ada.email), method, code });
  await see('POST /v1/sessions/mfa', mfa('totp', 'no code'), mfa('passkey', 'a code'));
  await see('POST /v1/sessions/mfa', mfa('recovery-code', recoveryCodes[0]));
  await see('POST /v1/sessions/mfa', post('/v1/sessions/mfa', { challenge: 'x', method: 'totp', code: '123456' }));
  const prove = (body: unknown) => ada.call('POST', '/v1/reauthentication', body);
  await see(
    'POST /v1/reauthentication',
    prove({ password: PASSWORD }),
    prove({ method: 'totp', code: 'no code' }),
    prove({ method: 'totp', code: codeOf(secret, 1) }),
    prove({ password: PASSWORD, code: '123456' }),
  );
  await see(`POST ${FACTORS}/recovery-codes`, ada.call('POST', `${FACTORS}/recovery-codes`));
  await see(`DELETE ${FACTORS}/totp`, ada.call('DELETE', `${FACTORS}/totp`));
  await see(`DELETE ${FACTORS}/totp`, ada.call('DELETE', `${FACTORS}/totp`));
  await see('POST /v1/reauthentication', prove({ password: 'wrong' }));
  await age(ada.sessionId, 11);
  await see(`POST ${FACTORS}/recovery-codes`, ada.call('POST', `${FACTORS}/recovery-codes`));
}

export async function withPasskey({ service, see, post }: World): Promise<void> {
  const [ada, device] = [await person(service), new Device()];
  const [options] = await see(`POST ${PASSKEYS}/options`, ada.call('POST', `${PASSKEYS}/options`));
  const credential = device.create(options?.json());
  const add = () => ada.call('POST', PASSKEYS, { credential });
  const [added] = await see(`POST ${PASSKEYS}`, add());
  await see(`POST ${PASSKEYS}`, add(), ada.call('POST', PASSKEYS, { credential: {} }));
  const own = `${PASSKEYS}/${added?.json().passkey.id}`;
  const stale = { headers: { 'if-match': '"stale"' } };
  await see(`GET ${PASSKEYS}`, ada.call('GET', PASSKEYS));
  await see(`GET ${PASSKEYS}/{id}`, ada.call('GET', own), ada.call('GET', `${PASSKEYS}/${'0'.repeat(24)}`));
  await see(
    `PATCH ${PASSKEYS}/{id}`,
    ada.call('PATCH', own, { name: 'Telephone' }),
    ada.call('PATCH', own, { name: '<b></b>' }),
    ada.call('PATCH', own, { name: 'Telephone' }, stale),
  );
  const [begun] = await see('POST /v1/sessions/passkey/options', post('/v1/sessions/passkey/options'));
  const assertion = device.get(begun?.json());
  await see('POST /v1/sessions/passkey', post('/v1/sessions/passkey', { assertion }));
  await see('POST /v1/sessions/passkey', post('/v1/sessions/passkey', { assertion }));
  const challenge = await challengeFor(service, ada.email);
  const forMfa = await see(
    'POST /v1/sessions/mfa/passkey-options',
    post('/v1/sessions/mfa/passkey-options', { challenge }),
  );
  const second = { challenge, method: 'passkey', assertion: device.get(forMfa[0]?.json()) };
  await see('POST /v1/sessions/mfa', post('/v1/sessions/mfa', second));
  await see('POST /v1/sessions/mfa/passkey-options', post('/v1/sessions/mfa/passkey-options', { challenge }));
  const again = await see('POST /v1/reauthentication/options', ada.call('POST', '/v1/reauthentication/options'));
  const proof = { assertion: device.get(again[0]?.json()) };
  await see('POST /v1/reauthentication', ada.call('POST', '/v1/reauthentication', proof));
  await see('POST /v1/reauthentication', ada.call('POST', '/v1/reauthentication', proof));
  await see(`DELETE ${PASSKEYS}/{id}`, ada.call('DELETE', own, undefined, stale));
  await see(`DELETE ${PASSKEYS}/{id}`, ada.call('DELETE', own));
}
