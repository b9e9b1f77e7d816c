// D3: an encrypted field that somebody changed in the database. Elsewhere encryption hid a value and did not vouch for
// it: a flipped byte gave other words, another person's value was copied over and opened, and a wrong key gave garbage
// or an empty text that was taken for the answer. Here a value opens as it was written, where it was written, with the
// key that it was written with; else it is an error, which tells neither the value nor anything in its place.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import mongoose from 'mongoose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { DecryptionError, generateKeyringSpec, parseKeyring, placeOf } from '../../src/lib/keyring.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { IdempotencyKey } from '../../src/models/idempotency-key.ts';
import { toId } from '../../src/models/ids.ts';
import { Session } from '../../src/models/session.ts';
import { SigningKey } from '../../src/models/signing-key.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { flipped, UNCHECKED } from '../helpers/ciphertexts.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

const DAY_MS = 86_400_000;

/** The same ids of keys with other secrets behind them: what a mix-up of environments looks like. */
const otherSecrets = (spec: string): string => `${spec.split(':')[0]}:${generateKeyringSpec().split(':')[1]}`;

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

interface Kept {
  readonly id: string;
  readonly body: string;
  readonly email: string;
  retry(on?: TestApp): ReturnType<typeof call>;
}

/** A sign-up under an idempotency key, whose answer is kept. */
async function keptSignUp(): Promise<Kept> {
  const email = freshEmail('kept');
  const retry = (on = here) =>
    call(on, 'POST', '/v1/users', { email, password: PASSWORD }, { headers: { 'idempotency-key': email } });
  const before = await IdempotencyKey.distinct('_id');
  expect(outcome(await retry())).toBe('201');
  const { _id = '', body } = (await IdempotencyKey.findOne({ _id: { $nin: before } }).lean()) ?? {};
  return { id: _id, body: String(body), email, retry };
}

const store = (id: string, body: string) =>
  IdempotencyKey.collection.updateOne({ _id: id as never }, { $set: { body } }, UNCHECKED);

describe('an answer that was kept for a replay', () => {
  let first: Kept;
  let second: Kept;
  beforeEach(async () => {
    await IdempotencyKey.deleteMany({});
    first = await keptSignUp();
    second = await keptSignUp();
  });

  /** 503, on every instance, without a word of the answer; and what was asked for is not done again. */
  async function givesNothing({ email, retry }: Kept): Promise<void> {
    for (const instance of [here, there]) {
      const response = await retry(instance);
      expect([outcome(response), response.headers['retry-after']]).toEqual(['503 unavailable', '5']);
      expect(response.headers['idempotency-replayed']).toBeUndefined();
      expect(response.body).not.toContain(email);
    }
    expect(await User.countDocuments({ email })).toBe(1);
    expect(await User.distinct('email')).toHaveLength(await AuditEvent.countDocuments({ action: 'user.created' }));
  }

  it('opens as long as nobody touches it', async () => {
    for (const { retry, email } of [first, second]) {
      const response = await retry(there);
      expect([outcome(response), response.headers['idempotency-replayed']]).toEqual(['201', 'true']);
      expect(response.json().email).toBe(email);
    }
  });

  it('is not given with a bit flipped, wherever it is', async () => {
    const bits = Buffer.from(first.body.split('.')[2] ?? '', 'base64url').length * 8;
    // In the nonce, in the text, and in the tag.
    for (const bit of [0, 12 * 8 + 5, bits - 1]) {
      await store(first.id, flipped(first.body, bit));
      await givesNothing(first);
    }
    await store(first.id, first.body);
    expect(outcome(await first.retry())).toBe('201');
  });

  it("is not given when it is somebody else's", async () => {
    await store(first.id, second.body);
    await store(second.id, first.body);
    await givesNothing(first);
    await givesNothing(second);
  });

  it.each([
    ['cut short', (body: string) => body.slice(0, -8)],
    ['in clear', () => '{"roles":["admin"]}'],
    ['empty', () => ''],
    ['under the name of another key', (body: string) => body.replace(/\.[^.]+\./, '.other.')],
  ])('is not given %s', async (_how, change) => {
    await store(first.id, change(first.body));
    await givesNothing(first);
  });

  it('is not given by an instance with another keyring', async () => {
    const stranger = await strangerTo(here);
    const response = await first.retry(stranger);
    // It does not even find it: the email is taken, as for anybody.
    expect(outcome(response)).toBe('409 email-taken');
    expect(response.headers['idempotency-replayed']).toBeUndefined();
  });

  it('is named by its place in the log, and not quoted', async () => {
    const broken = flipped(first.body, 200);
    await store(first.id, broken);
    await givesNothing(first);
    const [line] = here.logged().filter(({ msg }) => msg === 'a stored value could not be decrypted');
    expect(JSON.stringify(line)).toContain('idempotency_keys.body was altered or moved there');
    expect(here.log()).not.toContain(broken);
  });
});

/** An instance whose keyring has keys of the same ids; its signing keys are its own, so that it starts. */
async function strangerTo(service: TestApp): Promise<TestApp> {
  const keys = await SigningKey.find().lean();
  await SigningKey.deleteMany({});
  const stranger = await service.another({ KEYRING: otherSecrets(service.config.KEYRING ?? '') });
  await SigningKey.deleteMany({});
  await SigningKey.collection.insertMany(keys as never);
  return stranger;
}

describe('a private key of access tokens', () => {
  let ours: string;
  beforeEach(async () => {
    ours = (await here.deps.signingKeys.current()).kid;
  });

  const privateJwkOf = async (kid: string) => String((await SigningKey.findById(kid).lean())?.privateJwk);
  const put = (kid: string, privateJwk: string) => SigningKey.updateOne({ _id: kid }, { $set: { privateJwk } });

  it('with a bit flipped keeps an instance from starting, and no running one from serving', async () => {
    const good = await privateJwkOf(ours);
    await put(ours, flipped(good, 123));
    await expect(here.another()).rejects.toThrow('signing_keys.privateJwk was altered or moved there');
    const ada = await person(here);
    expect(outcome(await whoAmI(there, ada.accessToken))).toBe('200');
    await put(ours, good);
    await expect(here.another()).resolves.toBeDefined();
  });

  it('does not sign in the place of another one', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const ada = await person(here);
    await SigningKey.updateOne({ _id: ours }, { $set: { activatesAt: new Date(Date.now() - 28 * DAY_MS) } });
    await here.deps.signingKeys.rotate();
    const next = await SigningKey.findOne().sort({ generation: -1 }).lean();
    const good = String(next?.privateJwk);
    await put(String(next?._id), await privateJwkOf(ours));
    try {
      await expect(there.deps.signingKeys.rotate()).rejects.toThrow(DecryptionError);
      expect(outcome(await whoAmI(there, (await signIn(there, ada.email)).accessToken))).toBe('200');
      // Its time has come, and there is nothing to sign with: a sign-in is refused rather than signed with another key.
      vi.setSystemTime(Date.now() + 2 * DAY_MS);
      const response = await call(there, 'POST', '/v1/sessions', { email: ada.email, password: PASSWORD });
      expect([outcome(response), response.headers['retry-after']]).toEqual(['503 unavailable', '5']);
      expect(response.json()).not.toHaveProperty('accessToken');
    } finally {
      await put(String(next?._id), good);
      vi.useRealTimers();
    }
  });

  it('under a wrong keyring stops the service at its start, which says so', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('../../dist/server.js', import.meta.url))],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          MONGODB_URI: here.config.MONGODB_URI,
          KEYRING: otherSecrets(here.config.KEYRING ?? ''),
          PORT: '0',
          METRICS_PORT: '0',
        },
      },
    );
    expect(stderr).toContain('The keyring does not open what the database holds.');
    expect([status, stdout]).toEqual([1, '']);
  }, 60_000);
});

describe('the address and the agent of a session', () => {
  const sealed = async ({ sessionId }: Person) => String((await Session.findById(sessionId).lean())?.client);
  const put = ({ sessionId }: Person, client: string) =>
    Session.collection.updateOne({ _id: toId(sessionId) }, { $set: { client } }, UNCHECKED);
  const listed = async (ada: Person, on = here) =>
    (await ada.call('GET', '/v1/sessions', undefined, { on })).json().items[0];

  it.each<[string, (own: string, foreign: string) => string]>([
    ['with a bit flipped', (own) => flipped(own, 150)],
    ["when they are somebody else's", (_own, foreign) => foreign],
    ['under the name of another key', (own) => own.replace(/\.[^.]+\./, '.other.')],
    ['in clear', () => '{"ip":"192.0.2.66"}'],
  ])('are not shown %s, and the session goes on', async (how, change) => {
    const [ada, bob] = [await person(here), await person(here)];
    expect(await listed(ada, there)).toMatchObject({ ip: '127.0.0.1', userAgent: 'lightMyRequest' });
    const good = await sealed(ada);
    await put(ada, change(good, await sealed(bob)));
    const shown = await listed(ada);
    expect(shown).toMatchObject({ id: ada.sessionId });
    for (const path of ['ip', 'userAgent', 'device']) expect(shown).not.toHaveProperty(path);
    expect(outcome(await whoAmI(here, ada.accessToken))).toBe('200');
    expect((await ada.call('GET', '/v1/users/me/export')).json().sessions[0]).not.toHaveProperty('ip');
    // The database changes nothing in a document that breaks its rule.
    const refreshed = how === 'in clear' ? '500 internal-error' : '200';
    expect(outcome(await refresh(here, ada.refreshToken))).toBe(refreshed);
    await put(ada, good);
  });
});

it('of every encrypted field, a value opens in its own record and field alone', async () => {
  await IdempotencyKey.deleteMany({});
  await keptSignUp();
  const { keyring } = here.deps;
  const stranger = parseKeyring(otherSecrets(here.config.KEYRING ?? ''));
  let values = 0;
  for (const { name, encrypted } of collections)
    for (const path of Object.keys(encrypted))
      for (const document of (await mongoose.connection.db?.collection(name).find().toArray()) ?? []) {
        const value: unknown = path.split('.').reduce((place, part) => place?.[part], document);
        if (typeof value !== 'string') continue;
        values += 1;
        const place = placeOf(name, String(document._id), path);
        expect(keyring.decrypt(value, place).length).toBeGreaterThan(0);
        const wrong = [
          () => keyring.decrypt(flipped(value, values), place),
          () => keyring.decrypt(value, placeOf(`${name}2`, place.record, path)),
          () => keyring.decrypt(value, placeOf(name, 'another', path)),
          () => keyring.decrypt(value, placeOf(name, place.record, 'another')),
          () => stranger.decrypt(value, place),
        ];
        for (const open of wrong) expect(open, `${name}.${path}`).toThrow(DecryptionError);
      }
  expect(values).toBeGreaterThan(2);
});
