// R2: one secret, used many times at once. Elsewhere it was looked up, then checked, then marked as used, and all that
// came in between were first. Here the use is one atomic change in the transaction of what it is for: of any number at
// once, on any number of instances, one succeeds.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Credential } from '../../src/models/credential.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import {
  challengeFor,
  codeOf,
  Device,
  enrolPasskey,
  enrolTotp,
  passkeyOptions,
  secondStep,
} from '../helpers/factors.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';
import { call, type Person, person } from '../helpers/people.ts';

const MANY = 8;

let instances: TestApp[];
let ada: Person;
stopTheClock();
beforeAll(async () => {
  const here = await buildTestApp();
  instances = [here, await here.another()];
});
afterAll(() => instances[0]?.close());
beforeEach(async () => {
  ada = await person(first());
});

const first = (): TestApp => {
  const [instance] = instances;
  if (!instance) throw new Error('no instance');
  return instance;
};

async function all(work: (on: TestApp, index: number) => ReturnType<typeof call>): Promise<Record<string, number>> {
  const responses = await inParallel(instances, MANY, work);
  // Why the database could not be used is in the log alone.
  if (responses.some(({ statusCode }) => statusCode === 503))
    throw new Error(JSON.stringify(instances.flatMap((each) => each.logged()).filter((line) => 'err' in line)));
  return tally(responses);
}

const challenges = () => inParallel(instances, MANY, (on) => challengeFor(on, ada.email));
const sessions = () => Session.countDocuments({ userId: ada.id });

describe('of parallel uses one succeeds:', () => {
  it('a TOTP code, for different challenges', async () => {
    const { secret } = await enrolTotp(ada);
    const given = await challenges();
    const before = await sessions();
    const answers = await all((on, index) => secondStep(on, given[index] ?? '', 'totp', codeOf(secret)));
    expect(answers).toEqual({ 201: 1, '401 invalid-code': MANY - 1 });
    expect(await sessions()).toBe(before + 1);
  });

  it('a recovery code, for different challenges', async () => {
    const { recoveryCodes } = await enrolTotp(ada);
    const given = await challenges();
    const [code = ''] = recoveryCodes;
    const answers = await all((on, index) => secondStep(on, given[index] ?? '', 'recovery-code', code));
    expect(answers).toEqual({ 201: 1, '401 invalid-code': MANY - 1 });
    expect(await Credential.countDocuments({ userId: ada.id, type: 'recovery-code' })).toBe(9);
  });

  it('a challenge, with codes that are all right', async () => {
    const { recoveryCodes } = await enrolTotp(ada);
    const challenge = await challengeFor(first(), ada.email);
    const answers = await all((on, index) => secondStep(on, challenge, 'recovery-code', recoveryCodes[index] ?? ''));
    expect(answers).toEqual({ 201: 1, '401 invalid-token': MANY - 1 });
    // Those that came too late used no code up.
    expect(await Credential.countDocuments({ userId: ada.id, type: 'recovery-code' })).toBe(9);
  });

  it('an assertion', async () => {
    const device = new Device({ signCounterIncrement: 0 });
    await enrolPasskey(ada, device);
    const before = await sessions();
    const assertion = device.get(await passkeyOptions(first()));
    const answers = await all((on) => call(on, 'POST', '/v1/sessions/passkey', { assertion }));
    expect(answers).toEqual({ 201: 1, '401 invalid-passkey': MANY - 1 });
    expect(await sessions()).toBe(before + 1);
  });

  it('the options of a new passkey', async () => {
    const options = (await ada.call('POST', '/v1/users/me/passkeys/options')).json();
    const credential = new Device().create(options);
    const answers = await all((on) => ada.call('POST', '/v1/users/me/passkeys', { credential }, { on }));
    expect(answers).toEqual({ 201: 1, '400 validation-failed': MANY - 1 });
    expect(await Credential.countDocuments({ userId: ada.id, type: 'passkey' })).toBe(1);
  });

  it('the code that confirms an authenticator app', async () => {
    const { secret } = (await ada.call('POST', '/v1/users/me/factors/totp')).json();
    const body = { code: codeOf(secret) };
    const answers = await all((on) => ada.call('POST', '/v1/users/me/factors/totp/confirm', body, { on }));
    expect(answers).toEqual({ 200: 1, '409 factor-exists': MANY - 1 });
    expect(await Credential.countDocuments({ userId: ada.id, type: 'recovery-code' })).toBe(10);
  });
});

describe('what is the case of several documents stays so:', () => {
  it('parallel beginnings leave one authenticator app', async () => {
    expect(await all((on) => ada.call('POST', '/v1/users/me/factors/totp', undefined, { on }))).toEqual({ 201: MANY });
    expect(await Credential.countDocuments({ userId: ada.id, type: 'totp' })).toBe(1);
  });

  it('parallel renewals leave one set of recovery codes', async () => {
    const url = '/v1/users/me/factors/recovery-codes';
    expect(await all((on) => ada.call('POST', url, undefined, { on }))).toEqual({ 201: MANY });
    expect(await Credential.countDocuments({ userId: ada.id, type: 'recovery-code' })).toBe(10);
  });

  it('one of two last passkeys stays, and the account can still be opened', async () => {
    const devices = [new Device(), new Device()];
    for (const device of devices) await enrolPasskey(ada, device);
    await User.updateOne({ _id: ada.id }, { $unset: { passwordHash: 1 } });
    const passkeys = await Credential.find({ userId: ada.id, type: 'passkey' }).lean();
    const answers = await inParallel(instances, 2, (on, index) =>
      ada.call('DELETE', `/v1/users/me/passkeys/${passkeys[index]?._id}`, undefined, { on }),
    );
    expect(answers.map(outcome).sort()).toEqual(['204', '409 last-credential']);
    expect(await Credential.countDocuments({ userId: ada.id, type: 'passkey' })).toBe(1);
    expect((await User.findById(ada.id).lean())?.secondFactors).toEqual(['passkey']);
  });

  it('twenty passkeys are not exceeded', async () => {
    const answers: string[] = [];
    for (let n = 0; n < 18; n += 1) answers.push(outcome(await enrolPasskey(ada, new Device())));
    expect(new Set(answers)).toEqual(new Set(['201']));
    const options = await inParallel(instances, 6, () => ada.call('POST', '/v1/users/me/passkeys/options'));
    const credentials = options.map((each) => new Device().create(each.json()));
    const last = await inParallel(instances, 6, (on, index) =>
      ada.call('POST', '/v1/users/me/passkeys', { credential: credentials[index] }, { on }),
    );
    expect(tally(last)).toEqual({ 201: 2, '409 too-many-passkeys': 4 });
    expect(await Credential.countDocuments({ userId: ada.id, type: 'passkey' })).toBe(20);
  });
});
