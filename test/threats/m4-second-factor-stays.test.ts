// M4: getting rid of the second factor by getting a new first one. Elsewhere a password reset signed in at once, or took
// the second factor away with it, so that a stolen mailbox was all it took. Here whatever renews the first factor leaves
// the second one as it is, and the next sign-in asks for it.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { challengeFor, codeOf, enrolTotp, secondStep } from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';

let service: TestApp;
let ada: Person;
let secret: string;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());
beforeEach(async () => {
  ada = await person(service);
  ({ secret } = await enrolTotp(ada));
});

describe('a change of the password', () => {
  beforeEach(async () => {
    const change = { currentPassword: ada.password, newPassword: NEXT };
    expect(outcome(await ada.call('PUT', '/v1/users/me/password', change))).toBe('204');
  });

  it('leaves the second factor required', async () => {
    const challenge = await challengeFor(service, ada.email, NEXT);
    expect(outcome(await secondStep(service, challenge, 'totp', codeOf(secret)))).toBe('201');
    expect((await User.findById(ada.id).lean())?.secondFactors).toEqual(['totp']);
  });
});

it('a challenge that was given for the old password is dead', async () => {
  const challenge = await challengeFor(service, ada.email);
  const change = { currentPassword: ada.password, newPassword: NEXT };
  await ada.call('PUT', '/v1/users/me/password', change);
  expect(outcome(await secondStep(service, challenge, 'totp', codeOf(secret)))).toBe('401 invalid-token');
});
