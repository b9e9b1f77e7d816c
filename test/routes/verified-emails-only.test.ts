import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import {
  challengeFor,
  codeOf,
  Device,
  enrolPasskey,
  enrolTotp,
  passkeySignIn,
  secondStep,
} from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, PASSWORD, type Person, person } from '../helpers/people.ts';

stopTheClock();
let open: TestApp;
let strict: TestApp;
beforeAll(async () => {
  open = await buildTestApp();
  strict = await open.another({ REQUIRE_VERIFIED_EMAIL: 'true' });
});
afterAll(() => open.close());

async function owner(emailVerified: boolean): Promise<Person> {
  const ada = await person(open);
  await User.updateOne({ _id: ada.id }, { $set: { emailVerified } });
  return ada;
}

describe.each([
  [true, '201'],
  [false, '403 email-not-verified'],
])('where verified emails are required, an account whose email is verified: %s', (verified, expected) => {
  it('signs in by its password accordingly', async () => {
    const { email } = await owner(verified);
    expect(outcome(await call(strict, 'POST', '/v1/sessions', { email, password: PASSWORD }))).toBe(expected);
  });

  it('and by a passkey', async () => {
    const device = new Device();
    await enrolPasskey(await owner(verified), device);
    expect(outcome(await passkeySignIn(strict, device))).toBe(expected);
  });

  it('and by a second factor', async () => {
    const ada = await owner(verified);
    const { secret } = await enrolTotp(ada);
    const challenge = await challengeFor(open, ada.email);
    expect(outcome(await secondStep(strict, challenge, 'totp', codeOf(secret)))).toBe(expected);
  });
});
