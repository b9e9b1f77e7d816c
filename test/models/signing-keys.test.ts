import { decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DecryptionError, generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { SigningKey } from '../../src/models/signing-key.ts';
import { openSigningKeys } from '../../src/models/signing-keys.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { keyLooksOf } from '../helpers/commands.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person, signIn, whoAmI } from '../helpers/people.ts';

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
const kidOf = ({ accessToken }: Person) => decodeProtectedHeader(accessToken).kid;
const stored = () => SigningKey.find().sort({ generation: 1 }).lean();
const told = async () =>
  (await AuditEvent.find({ 'target.collection': 'signing_keys' }).sort({ _id: 1 }).lean()).map(
    ({ action, actor, target, reason }) => [action, actor.type, target.name, ...(reason ? [reason] : [])],
  );

describe('rotation by schedule', () => {
  it('publishes the next key for two days before it signs, on all instances at once', async () => {
    const first = await signerOf(here);
    pass(28 * DAY_MS - 1_000);
    expect(await keysOf(here).rotate()).toBe(false);
    pass(1_000);
    expect(await keysOf(here).rotate()).toBe(true);
    const [, { _id: second = '' } = {}] = await stored();

    // The other instance has done nothing yet, and hears of it all the same.
    pass(MINUTE_MS + 1);
    for (const instance of [here, there]) {
      expect(await signerOf(instance)).toBe(first);
      expect(await publishedBy(instance)).toEqual([first, second]);
    }
    pass(2 * DAY_MS - MINUTE_MS - 2);
    for (const instance of [here, there]) expect(await signerOf(instance)).toBe(first);
    pass(1);
    for (const instance of [here, there]) expect(await signerOf(instance)).toBe(second);
    expect(await told()).toEqual([
      ['signing-key.created', 'system', first],
      ['signing-key.created', 'system', second],
    ]);
  });

  it('takes no instance by surprise: what one signs at the hand-over, the others verify', async () => {
    const ada = await person(here);
    pass(28 * DAY_MS);
    await keysOf(here).rotate();
    pass(2 * DAY_MS - 1);
    const before = await signIn(here, ada.email);
    pass(1);
    const after = await signIn(there, ada.email);
    expect(kidOf(before)).not.toBe(kidOf(after));
    for (const instance of [here, there])
      for (const { accessToken } of [before, after]) expect(outcome(await whoAmI(instance, accessToken))).toBe('200');
  });

  it('goes on publishing a key until the last token that it signed has expired', async () => {
    const first = await signerOf(here);
    pass(28 * DAY_MS);
    await keysOf(here).rotate();
    pass(2 * DAY_MS + 10 * MINUTE_MS);
    expect(await publishedBy(here)).toContain(first);
    pass(5 * MINUTE_MS);
    expect(await publishedBy(here)).not.toContain(first);
    expect(await keysOf(here).find(first)).toBeUndefined();
  });

  it('by several instances at once makes one key', async () => {
    pass(28 * DAY_MS);
    const instances = [here, there, await here.another(), await here.another()];
    const made = await Promise.all(instances.map((instance) => keysOf(instance).rotate()));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect((await stored()).map(({ generation }) => generation)).toEqual([1, 2]);
    expect(new Set(await Promise.all(instances.map((instance) => publishedBy(instance).then(String))))).toHaveLength(1);
  });

  it('after a long time without any instance still publishes before it signs', async () => {
    const first = await signerOf(here);
    pass(100 * DAY_MS);
    await keysOf(here).rotate();
    expect(await signerOf(here)).toBe(first);
    pass(2 * DAY_MS);
    expect(await signerOf(here)).not.toBe(first);
  });

  it('fails days ahead where the keyring lacks the key to the next one', async () => {
    const spec = generateKeyringSpec();
    pass(28 * DAY_MS);
    const newer = await here.another({ KEYRING: `${spec},${here.config.KEYRING}` });
    await keysOf(newer).rotate();
    await expect(keysOf(there).rotate()).rejects.toThrow(DecryptionError);
    await expect(openSigningKeys(parseKeyring(here.config.KEYRING ?? ''))).rejects.toThrow(DecryptionError);
    // Meanwhile it signs with the one that it can open.
    expect(await signerOf(there)).toBe(await signerOf(newer));
  });
});

it('an instance that serves looks its keys up once a minute, not more', async () => {
  const ada = await person(here);
  const reads = () => Promise.all([1, 2, 3].map(() => whoAmI(here, ada.accessToken)));
  await reads();
  expect((await keyLooksOf(reads)).looks).toBe(0);
  pass(MINUTE_MS + 1);
  expect((await keyLooksOf(reads)).looks).toBe(1);
  expect((await keyLooksOf(reads)).looks).toBe(0);
});
