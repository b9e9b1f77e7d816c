// V3: locking somebody out by guessing. Elsewhere whoever knew an email could use up its tries every quarter of an hour,
// and its owner never signed in again. Here a device that has signed in before has tries of its own, and a stranger at
// one address cannot use up those of all others.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';
import { call, PASSWORD, person } from '../helpers/people.ts';

const FAILURES = 6;
const WRONG = 'not the right pass phrase';

stopTheClock();
let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp({ SIGN_IN_FAILURES: String(FAILURES) });
  there = await here.another();
});
afterAll(() => here.close());

let addresses = 0;
const freshAddress = () => `2001:db8:${(++addresses).toString(16)}::1`;

interface Try {
  readonly email: string;
  readonly password?: string;
  readonly deviceToken?: string;
}

const signIn = (on: TestApp, { email, password = PASSWORD, deviceToken }: Try, remoteAddress = freshAddress()) =>
  call(on, 'POST', '/v1/sessions', { email, password, ...(deviceToken && { deviceToken }) }, { remoteAddress });

const deviceTokenOf = async (email: string): Promise<string> => (await signIn(here, { email })).json().deviceToken;

/** Uses up the tries of an account from as many addresses as it takes. */
const exhaust = (email: string) => inParallel([here, there], FAILURES, (on) => signIn(on, { email, password: WRONG }));

describe('when strangers have used up the tries of an account', () => {
  it('its owner signs in on a device that has signed in before, on every instance', async () => {
    const { email } = await person(here);
    const deviceToken = await deviceTokenOf(email);
    expect(tally(await exhaust(email))).toEqual({ '401 invalid-credentials': FAILURES });
    expect(outcome(await signIn(here, { email }))).toBe('429 rate-limited');
    for (const on of [here, there]) expect(outcome(await signIn(on, { email, deviceToken }))).toBe('201');
  });

  it('the device has its own tries, and no more than those', async () => {
    const { email } = await person(here);
    const deviceToken = await deviceTokenOf(email);
    const wrong = await inParallel([here, there], FAILURES + 3, (on) =>
      signIn(on, { email, password: WRONG, deviceToken }),
    );
    expect(tally(wrong)).toEqual({ '401 invalid-credentials': FAILURES, '429 rate-limited': 3 });
    expect(outcome(await signIn(here, { email, deviceToken }))).toBe('429 rate-limited');
    expect(outcome(await signIn(here, { email }))).toBe('201');
  });

  it('keeps its name when it comes again, so that signing in gives no new tries', async () => {
    const { email } = await person(here);
    const first = await deviceTokenOf(email);
    const again = (await signIn(here, { email, deviceToken: first })).json().deviceToken;
    const device = (token: string) => Buffer.from(token, 'base64url').subarray(0, 16).toString('hex');
    expect(device(again)).toBe(device(first));
    expect(device(await deviceTokenOf(email))).not.toBe(device(first));
  });

  it.each([
    ['of another account', async () => deviceTokenOf((await person(here)).email)],
    ['that was altered', async (own: string) => (own.startsWith('A') ? 'B' : 'A') + own.slice(1)],
    ['that is none', async () => 'x'.repeat(70)],
  ])('a device token %s is none', async (_, make) => {
    const { email } = await person(here);
    const deviceToken = await make(await deviceTokenOf(email));
    await exhaust(email);
    expect(outcome(await signIn(here, { email, deviceToken }))).toBe('429 rate-limited');
  });

  it('a session can still change its password', async () => {
    const owner = await person(here);
    await exhaust(owner.email);
    const body = { currentPassword: PASSWORD, newPassword: 'seven quiet words make a phrase' };
    expect(outcome(await owner.call('PUT', '/v1/users/me/password', body))).toBe('204');
  });
});

describe('a stranger at one address', () => {
  it('leaves tries to all others', async () => {
    const { email } = await person(here);
    const stranger = freshAddress();
    const answers = await inParallel([here, there], FAILURES * 2, (on) =>
      signIn(on, { email, password: WRONG }, stranger),
    );
    expect(tally(answers)).toEqual({ '401 invalid-credentials': FAILURES / 2, '429 rate-limited': FAILURES * 1.5 });
    expect(outcome(await signIn(here, { email }, stranger))).toBe('429 rate-limited');
    expect(outcome(await signIn(there, { email }))).toBe('201');
  });

  it('is one, however many addresses of its network it uses (V2)', async () => {
    const { email } = await person(here);
    const network = '2001:db8:ffff:1:';
    const outcomes: string[] = [];
    for (let host = 1; host <= FAILURES / 2 + 1; host++)
      outcomes.push(outcome(await signIn(here, { email, password: WRONG }, `${network}:${host}`)));
    expect(outcomes.at(-1)).toBe('429 rate-limited');
  });
});
