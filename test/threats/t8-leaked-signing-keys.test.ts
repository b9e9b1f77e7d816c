// T8: a signing key in foreign hands. Elsewhere nothing but a restart of everything, or the end of the key's own time, made
// services stop believing it, and tokens that had been verified once were never looked at again. Here one command
// replaces the key, and a minute later no instance takes a token of it, whatever it remembers.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuditEvent, OPERATOR } from '../../src/models/audit-event.ts';
import { SigningKey } from '../../src/models/signing-key.ts';
import { retireSigningKeys } from '../../src/models/signing-key-rotation.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { personalValues } from '../helpers/audit.ts';
import { outcome } from '../helpers/parallel.ts';
import { person, whoAmI } from '../helpers/people.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let service: TestApp;
let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  await SigningKey.deleteMany({});
  await AuditEvent.deleteMany({});
  here = await service.another();
  there = await service.another();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => service.close());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const keysOf = (service: TestApp) => service.deps.signingKeys;
const signerOf = async (service: TestApp) => (await keysOf(service).current()).kid;
const publishedBy = async (service: TestApp) => (await keysOf(service).published()).map(({ kid }) => kid);
const stored = () => SigningKey.find().sort({ generation: 1 }).lean();
const told = async () =>
  (await AuditEvent.find({ 'target.collection': 'signing_keys' }).sort({ _id: 1 }).lean()).map((event) => [
    event.action,
    event.actor.type,
    event.target.name,
    ...Object.values(personalValues(here, event)),
  ]);

describe('a signing key that is retired', () => {
  it('is refused by every instance within a minute, also for a token that was verified before', async () => {
    const ada = await person(here);
    for (const instance of [here, there]) expect(outcome(await whoAmI(instance, ada.accessToken))).toBe('200');
    const first = await signerOf(here);
    const { retired, successor } = await retireSigningKeys(
      OPERATOR,
      { kid: first },
      { ...here.deps, reason: 'leaked' },
    );
    expect(retired).toEqual([first]);

    pass(MINUTE_MS + 1);
    for (const instance of [here, there]) {
      expect(outcome(await whoAmI(instance, ada.accessToken))).toBe('401 invalid-token');
      expect(await publishedBy(instance)).toEqual([successor]);
      expect(await signerOf(instance)).toBe(successor);
    }
    expect(await told()).toEqual([
      ['signing-key.created', 'system', first],
      ['signing-key.retired', 'operator', first, 'leaked'],
      ['signing-key.created', 'operator', successor],
    ]);
  });

  it('leaves its sessions: a refresh brings a token of the new key', async () => {
    const ada = await person(here);
    await retireSigningKeys(OPERATOR, 'all', here.deps);
    pass(MINUTE_MS + 1);
    const refreshed = await there.app.inject({
      method: 'POST',
      url: '/v1/sessions/refresh',
      payload: { refreshToken: ada.refreshToken },
    });
    expect(outcome(await whoAmI(here, refreshed.json().accessToken))).toBe('200');
  });

  it('takes the one that waits with it', async () => {
    pass(28 * DAY_MS);
    await keysOf(here).rotate();
    const [first, second] = (await stored()).map(({ _id }) => _id);
    const { retired, successor = '' } = await retireSigningKeys(OPERATOR, { kid: first ?? '' }, here.deps);
    expect(retired).toEqual([first, second]);
    expect(await stored()).toMatchObject([{ _id: successor, generation: 3 }]);
    // And its own successor comes by schedule.
    pass(28 * DAY_MS);
    expect(await keysOf(there).rotate()).toBe(true);
  });

  it('before it signs, leaves the one that does, without an end', async () => {
    pass(28 * DAY_MS);
    await keysOf(here).rotate();
    const [first, second] = (await stored()).map(({ _id }) => _id);
    const retirement = await retireSigningKeys(OPERATOR, { kid: second ?? '' }, here.deps);
    expect(retirement).toEqual({ retired: [second] });
    const [left] = await stored();
    expect(left).toMatchObject({ _id: first, generation: 1 });
    expect(left).not.toHaveProperty('expiresAt');
    expect(await keysOf(here).rotate()).toBe(true);
  });

  it('after it signed, leaves the ones that sign now and next', async () => {
    pass(28 * DAY_MS);
    await keysOf(here).rotate();
    pass(2 * DAY_MS);
    const [first, second] = (await stored()).map(({ _id }) => _id);
    expect(await retireSigningKeys(OPERATOR, { kid: first ?? '' }, here.deps)).toEqual({ retired: [first] });
    pass(MINUTE_MS + 1);
    for (const instance of [here, there]) expect(await publishedBy(instance)).toEqual([second]);
  });

  it('twice at once, and while the next one is made, is one retirement', async () => {
    pass(28 * DAY_MS);
    const [first] = (await stored()).map(({ _id }) => _id);
    const retire = () => retireSigningKeys(OPERATOR, { kid: first ?? '' }, here.deps);
    const results = await Promise.allSettled([retire(), keysOf(there).rotate(), retire()]);
    const failed = results.filter(({ status }) => status === 'rejected');
    expect(failed).toMatchObject([{ reason: { code: 'not-found' } }]);
    const left = await stored();
    expect(left.map(({ _id }) => _id)).not.toContain(first);
    pass(MINUTE_MS + 1);
    expect(await signerOf(here)).toBe(await signerOf(there));
  });
});
