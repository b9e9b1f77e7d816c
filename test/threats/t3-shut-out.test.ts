// T3: an account that was suspended or deleted and goes on working: elsewhere access tokens outlived it, refresh tokens
// brought it back, or only one kind of credential was refused. Here every kind is refused at once, on every instance.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import {
  challengeFor,
  codeOf,
  Device,
  enrolPasskey,
  enrolTotp,
  passkeyOptions,
  passkeySignIn,
  secondStep,
} from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let admin: Person;
stopTheClock();
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  admin = await person(here, { roles: ['admin'] });
});
afterAll(() => here.close());

const WAYS: [string, (who: Person) => Promise<{ statusCode: number }>][] = [
  ['suspended', ({ id }) => admin.call('POST', `/v1/admin/users/${id}/suspend`, { reason: 'spam' })],
  ['deleted by an admin', ({ id }) => admin.call('DELETE', `/v1/admin/users/${id}`)],
  ['deleted by its owner', (who) => who.call('DELETE', '/v1/users/me')],
  ['erased', ({ id }) => admin.call('POST', `/v1/admin/users/${id}/erase`, { reason: 'asked for it' })],
];

it.each(WAYS)('an account that is %s has no credential left that works', async (_way, shutOut) => {
  const ada = await person(here);
  const phone = await signIn(there, ada.email);
  const rotated = (await refresh(here, phone.refreshToken)).json();
  for (const instance of [here, there]) expect((await whoAmI(instance, ada.accessToken)).statusCode).toBe(200);

  expect((await shutOut(ada)).statusCode).toBeLessThan(300);

  for (const instance of [here, there]) {
    for (const token of [ada.accessToken, phone.accessToken, rotated.accessToken])
      expect(outcome(await whoAmI(instance, token))).toBe('401 invalid-token');
    // The one just rotated would be given its successor again if the session were still there.
    for (const token of [ada.refreshToken, phone.refreshToken, rotated.refreshToken])
      expect(outcome(await refresh(instance, token))).toBe('401 invalid-token');
    const { email } = ada;
    expect(outcome(await call(instance, 'POST', '/v1/sessions', { email, password: PASSWORD }))).toBe(
      '401 invalid-credentials',
    );
  }
});

it.each(WAYS)('an account that is %s has no factor left that works', async (_way, shutOut) => {
  const [ada, device] = [await person(here), new Device()];
  const { secret, recoveryCodes } = await enrolTotp(ada);
  expect((await enrolPasskey(ada, device)).statusCode).toBe(201);
  const [byApp, byCode] = [await challengeFor(here, ada.email), await challengeFor(there, ada.email)];
  const begun = device.get(await passkeyOptions(here));

  expect((await shutOut(ada)).statusCode).toBeLessThan(300);

  for (const instance of [here, there]) {
    expect(outcome(await secondStep(instance, byApp, 'totp', codeOf(secret)))).toBe('401 invalid-token');
    expect(outcome(await secondStep(instance, byCode, 'recovery-code', recoveryCodes[0] ?? ''))).toBe(
      '401 invalid-token',
    );
    const late = await call(instance, 'POST', '/v1/sessions/passkey', { assertion: begun });
    expect(outcome(late)).toBe('401 invalid-passkey');
    expect(outcome(await passkeySignIn(instance, device))).toBe('401 invalid-passkey');
  }
});

it('an admin who is suspended replays none of the answers that were kept', async () => {
  const [deputy, ada] = [await person(here, { roles: ['admin'] }), await person(here)];
  const suspend = () =>
    deputy.call(
      'POST',
      `/v1/admin/users/${ada.id}/suspend`,
      { reason: 'x' },
      { headers: { 'idempotency-key': 'once' } },
    );
  await suspend();
  expect((await suspend()).headers['idempotency-replayed']).toBe('true');
  await admin.call('POST', `/v1/admin/users/${deputy.id}/suspend`, { reason: 'left' });
  expect(outcome(await suspend())).toBe('401 invalid-token');
});

describe('a session that was left behind', () => {
  it.each(['inactive', 'suspended', 'deleted'])('counts for nothing once it says %s', async (status) => {
    const ada = await person(here);
    await Session.updateOne({ _id: ada.sessionId }, { $set: { status } });
    expect(outcome(await whoAmI(there, ada.accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(there, ada.refreshToken))).toBe('401 invalid-token');
  });
});
