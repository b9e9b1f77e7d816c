// D4: keys are changed while people sign in, and whoever changes them is killed. Elsewhere half of the values was then
// under a key that nobody had, a value that changed meanwhile was overwritten with what it had been before, or the old
// key was dropped while something still needed it. Here the command is really run, killed twice, and run again, while
// two instances serve: nothing fails, every value opens at each moment, and the old key is said to be free only when
// it is.

import { randomBytes } from 'node:crypto';
import type { Db } from 'mongodb';
import mongoose, { Schema, Types } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Collection, defineCollection } from '../../src/collections/define.ts';
import { collections } from '../../src/collections/index.ts';
import { transaction } from '../../src/database.ts';
import { reencrypt } from '../../src/key-rotation/reencrypt.ts';
import { survey } from '../../src/key-rotation/survey.ts';
import { parseKeyring, placeOf } from '../../src/lib/keyring.ts';
import { IdempotencyKey } from '../../src/models/idempotency-key.ts';
import { Journal } from '../../src/models/journal.ts';
import { openText, seal } from '../../src/models/sensitive.ts';
import { buildTestApp, freshDatabaseUri, type TestApp } from '../helpers/app.ts';
import { keptAnswers } from '../helpers/ciphertexts.ts';
import { DatabaseProxy, type Fate } from '../helpers/database-proxy.ts';
import { expectJournalToAgree } from '../helpers/journal.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';
import { type Outcome, startRoster } from '../helpers/roster.ts';
import { until } from '../helpers/until.ts';

// Three commands, each a process of its own, which on a busy machine takes seconds to start.
vi.setConfig({ testTimeout: 120_000 });

const spec = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [OLD, NEW] = [spec('k-old'), spec('k-new')];
const KEYRING = `${NEW},${OLD}`;
const both = parseKeyring(KEYRING);

/** Several batches. */
const ANSWERS = 1_000;

let proxy: DatabaseProxy;
let before: TestApp;
let instances: [TestApp, TestApp];
let active: Person[];
let asleep: Person[];
beforeAll(async () => {
  const MONGODB_URI = freshDatabaseUri();
  proxy = await DatabaseProxy.open(MONGODB_URI);
  before = await buildTestApp({ MONGODB_URI, KEYRING: OLD });
  active = [await person(before), await person(before)];
  asleep = [await person(before), await person(before)];
  await IdempotencyKey.collection.insertMany(keptAnswers(parseKeyring(OLD), ANSWERS) as never[]);
  instances = [await before.another({ KEYRING }), await before.another({ KEYRING })];
});
afterAll(async () => {
  await before.close();
  proxy.close();
});

const db = (): Db => mongoose.connection.getClient().db(mongoose.connection.name);
const rotateKeys = () => startRoster(['keys', 'rotate'], { env: { MONGODB_URI: proxy.uri, KEYRING } });

/** How many values each key has; all of them open. */
async function valuesByKey(keyring = both): Promise<Record<string, number>> {
  const { counts, unreadable } = await survey(db(), keyring, () => {});
  expect(unreadable).toBe(0);
  const sums: Record<string, number> = {};
  for (const { keyId, count } of counts) sums[keyId] = (sums[keyId] ?? 0) + count;
  return sums;
}

/** Two people who use the service all the time, each request on the other instance; what did not go as it should. */
class Load {
  readonly wrong: string[] = [];
  rounds = 0;
  #stopped = false;
  readonly #running: Promise<unknown>;

  constructor() {
    this.#running = Promise.all(active.map((each, index) => this.#run(each, index)));
  }

  /** Waits for some more rounds. */
  async goesOn(): Promise<void> {
    const wanted = this.rounds + 4;
    await until('people are served', () => this.rounds >= wanted);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run({ refreshToken: first, email }: Person, turn: number): Promise<void> {
    let refreshToken = first;
    while (!this.#stopped) {
      const here = instances[this.rounds % 2 === turn ? 0 : 1];
      const there = instances[here === instances[0] ? 1 : 0];
      const refreshed = await refresh(here, refreshToken);
      this.#expect(refreshed, '200');
      ({ refreshToken } = refreshed.json());
      this.#expect(await whoAmI(there, refreshed.json().accessToken), '200');
      this.#expect(await call(here, 'POST', '/v1/sessions', { email, password: PASSWORD }), '201');
      const body = { email: freshEmail('new'), password: PASSWORD };
      const options = { headers: { 'idempotency-key': body.email } };
      const signedUp = await call(there, 'POST', '/v1/users', body, options);
      this.#expect(signedUp, '201');
      const replayed = await call(here, 'POST', '/v1/users', body, options);
      if (replayed.body !== signedUp.body || replayed.headers['idempotency-replayed'] !== 'true')
        this.wrong.push(`replayed as ${outcome(replayed)}`);
      this.rounds += 1;
    }
  }

  #expect(response: Awaited<ReturnType<typeof call>>, wanted: string): void {
    if (outcome(response) !== wanted) this.wrong.push(`${outcome(response)} instead of ${wanted}`);
  }
}

/** Runs the command until `fate` of one of its changes says so, and kills it there. */
async function killAt(change: number, fate: Fate): Promise<Outcome> {
  let changes = 0;
  let stuck = false;
  proxy.rule = (command) => {
    if (command !== 'update idempotency_keys') return 'passed on';
    changes += 1;
    if (changes < change) return 'passed on';
    stuck = true;
    // A driver tries again when it has lost an answer; that goes nowhere.
    return changes === change ? fate : 'held back';
  };
  const { process, done } = rotateKeys();
  await until('it is midway', () => stuck, 90_000);
  process.kill('SIGKILL');
  const ended = await done;
  proxy.mend();
  return ended;
}

describe('a rotation under load', () => {
  let load: Load;
  beforeAll(() => {
    load = new Load();
  });
  afterAll(() => load.stop());

  it.each([
    ['before a change arrives', 3, 'held back'],
    ['after a change was made, before it heard of it', 2, 'unanswered'],
  ] as const)('that is killed %s leaves every value readable, and nobody notices', async (_when, change, fate) => {
    await load.goesOn();
    const { code, stdout } = await killAt(change, fate);
    expect([code, stdout]).toEqual([null, '']);
    const values = await valuesByKey();
    expect(values['k-old']).toBeGreaterThan(0);
    expect(values['k-new']).toBeGreaterThan(0);
    // Also for an instance that starts now.
    const another = await before.another({ KEYRING });
    expect(outcome(await whoAmI(another, (await signIn(another, active[0]?.email ?? '')).accessToken))).toBe('200');
    await load.goesOn();
    expect(load.wrong).toEqual([]);
  });

  it('goes on where it was, and says of the old key what is true', async () => {
    const { 'k-old': left = 0 } = await valuesByKey();
    expect(left).toBeLessThan(ANSWERS);
    await load.goesOn();
    const { code, stdout, stderr } = await rotateKeys().done;
    await load.goesOn();
    await load.stop();
    expect(load.wrong).toEqual([]);
    expect(stdout).toContain(`Encrypted ${left.toLocaleString('en')} values with k-new anew.`);
    expect(stdout).toContain(`k-old may be dropped from KEYRING, but ${asleep.length} sessions`);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('Not')]);
    expect(Object.keys(await valuesByKey(parseKeyring(NEW)))).toEqual(['k-new']);
  });

  it('leaves nothing that needs the old key, but the sessions that it told of', async () => {
    const after = await before.another({ KEYRING: NEW });
    const answers = await IdempotencyKey.find({ 'headers.location': /^\/v1\/users\/\d+$/ }).lean();
    const opened = answers.map(({ _id, body }) =>
      after.deps.keyring.decrypt(String(body), placeOf('idempotency_keys', _id, 'body')).toString(),
    );
    expect(opened.sort()).toEqual(Array.from({ length: ANSWERS }, (_, n) => `answer ${n}`).sort());
    for (const { email } of active) {
      const { accessToken } = await signIn(after, email);
      const sessions = await call(after, 'GET', '/v1/sessions?limit=100', undefined, {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      const agents = sessions.json().items.map(({ userAgent }: { userAgent?: string }) => userAgent);
      expect([agents.length > 1, [...new Set(agents)]]).toEqual([true, ['lightMyRequest']]);
    }
    for (const { email } of active) {
      const again = await signIn(after, email);
      expect(outcome(await refresh(after, again.refreshToken))).toBe('200');
    }
    for (const { refreshToken } of asleep)
      expect(outcome(await refresh(after, refreshToken))).toBe('401 invalid-token');
    // Nothing is lost as long as the key is there.
    const [still] = instances;
    for (const { refreshToken } of asleep) expect(outcome(await refresh(still, refreshToken))).toBe('200');
  });
});

it('a value that is changed while it is encrypted anew stays as it was changed', async () => {
  const old = parseKeyring(OLD);
  const [answer] = keptAnswers(old, 1);
  const id = String(answer?._id);
  await IdempotencyKey.collection.insertOne(answer as never);
  const changed = both.encrypt('changed meanwhile', placeOf('idempotency_keys', id, 'body'));
  // The database of a rotation that is overtaken between its look and its change.
  const collection = mongoose.connection.collection('idempotency_keys');
  const bulkWrite = vi.spyOn(collection, 'bulkWrite').mockImplementationOnce(async (...args) => {
    await IdempotencyKey.updateOne({ _id: id }, { $set: { body: changed } });
    return collection.bulkWrite(...args);
  });
  expect(await reencrypt(mongoose.connection, both, () => {})).toEqual({ rewritten: 0, refused: [] });
  expect((await IdempotencyKey.findById(id).lean())?.body).toBe(changed);
  bulkWrite.mockRestore();
});

describe('of a collection of one’s own that is journaled', () => {
  const schema = new Schema(
    { iban: { type: String, sensitive: 'When somebody is paid.' } },
    { collection: 'trial_payees', versionKey: false },
  );
  const listed = collections.length;
  afterAll(() => {
    (collections as Collection[]).splice(listed);
    mongoose.deleteModel('TrialPayee');
  });

  it('values rotate, and so do the images in the journal', async () => {
    const Payee = mongoose.model('TrialPayee', schema);
    const payees = defineCollection({
      ...{ model: Payee, purpose: '', public: {}, admin: {}, private: {}, computed: {}, indexes: {}, enums: {} },
      ...{ relations: [], retention: '', wire: [] },
    });
    // The list is for reading; for this test there is one more on it.
    (collections as Collection[]).push(payees);
    await db().createCollection('trial_payees');
    const _id = new Types.ObjectId();
    const old = parseKeyring(OLD);
    const written = { _id, ...seal(old, Payee, _id, { iban: 'DE02' }) };
    await transaction((tx) => Payee.collection.insertOne(written, { session: tx }));
    await reencrypt(mongoose.connection, both, () => {});
    const alone = parseKeyring(NEW);
    const payee = await Payee.findById(_id).lean();
    const { image } = (await Journal.findOne({ documentId: _id }).lean()) ?? {};
    for (const each of [payee, image]) expect(openText(alone, Payee, { ...each, _id }, 'iban')).toBe('DE02');
  });
});

it('the journal tells of whatever was encrypted anew', expectJournalToAgree);
