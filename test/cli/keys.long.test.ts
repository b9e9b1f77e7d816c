import { randomBytes } from 'node:crypto';
import { type Db, type Document, ObjectId } from 'mongodb';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { generateKeyringSpec, parseKeyring, placeOf } from '../../src/lib/keyring.ts';
import { hashRefreshToken, mintRefreshToken } from '../../src/lib/refresh-token.ts';
import { migrateUp } from '../../src/migrations.ts';
import { flipped, keptAnswers, UNCHECKED } from '../helpers/ciphertexts.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { type Outcome, roster } from '../helpers/roster.ts';

// Each command is a process of its own, which on a busy machine takes seconds to start.
vi.setConfig({ testTimeout: 60_000 });

const key = () => randomBytes(32).toString('base64');
const OLD = `k-old:${key()}`;
const NEW = `k-new:${key()}`;
const old = parseKeyring(OLD);
const both = parseKeyring(`${NEW},${OLD}`);

const { client, fresh } = databases();
let db: Db;
beforeEach(async () => {
  db = fresh();
  await migrateUp(client, db, () => {});
});

const answers = () => db.collection<Document & { _id: string }>('idempotency_keys');
const signingKeys = () => db.collection<Document & { _id: string }>('signing_keys');
const keys = (args: string[], keyring = `${NEW},${OLD}`): Promise<Outcome> =>
  roster(['keys', ...args], { env: { MONGODB_URI: uriOf(db.databaseName), KEYRING: keyring } });
const events = () =>
  db
    .collection('audit_events')
    .find({}, { projection: { _id: 0, at: 0, journalRevision: 0 }, sort: { _id: 1 } })
    .toArray();

/** What the command itself says, without what every command says about its database. */
const linesOf = (stderr: string): string[] => stderr.split('\n').filter((line) => /^(There|Not| )/.test(line));

const signingKey = (generation: number, activatesAt = new Date(0), keyring = old) => {
  const _id = `key-${generation}`;
  const privateJwk = keyring.encrypt(`private ${generation}`, placeOf('signing_keys', _id, 'privateJwk'));
  return { _id, generation, publicJwk: {}, privateJwk, createdAt: new Date(), activatesAt };
};

describe('roster keys rotate', () => {
  it('encrypts with the first key whatever another one encrypted, and says that the other may go', async () => {
    // More than a batch, and some that are up to date.
    await answers().insertMany([...keptAnswers(old, 450), ...keptAnswers(both, 2)]);
    await signingKeys().insertMany([signingKey(1), signingKey(2)]);
    // Still running: it has no answer yet.
    await answers().insertOne({ _id: 'running', fingerprint: 'f', expiresAt: new Date(Date.now() + 60_000) });
    const before = await answers().find().toArray();

    const { code, stdout, stderr } = await keys(['rotate']);
    expect(stdout).toBe(`Encrypted 452 values with k-new anew.
field                     key    values
idempotency_keys.body     k-new     452
journal.image.privateJwk  k-new       2
signing_keys.privateJwk   k-new       2
k-old may be dropped from KEYRING.
`);
    expect([code, linesOf(stderr)]).toEqual([0, []]);
    const alone = parseKeyring(NEW);
    for (const { _id, body, ...rest } of before) {
      const after = await answers().findOne({ _id });
      expect(after).toEqual({ _id, ...rest, ...(body && { body: expect.any(String) }) });
      if (body) {
        const place = placeOf('idempotency_keys', _id, 'body');
        expect(alone.decrypt(after?.['body'], place)).toEqual(both.decrypt(body, place));
      }
    }
    expect(await events()).toEqual(
      [
        ['signing_keys', 'privateJwk'],
        ['idempotency_keys', 'body'],
      ].map(([collection, path]) => ({
        action: 'keyring.rotated',
        outcome: 'success',
        actor: { type: 'operator' },
        target: { collection },
        changes: [path],
      })),
    );
  });

  it('does nothing the second time', async () => {
    await answers().insertMany(keptAnswers(old, 3));
    await keys(['rotate']);
    const once = [await answers().find().toArray(), await events()];
    const { code, stdout } = await keys(['rotate']);
    expect(stdout).toContain('Encrypted 0 values with k-new anew.');
    expect(code).toBe(0);
    expect([await answers().find().toArray(), await events()]).toEqual(once);
  });

  it('counts in a dry run, and changes nothing', async () => {
    await answers().insertMany([...keptAnswers(old, 3), ...keptAnswers(both, 1)]);
    const before = await answers().find().toArray();
    const { code, stdout } = await keys(['rotate', '--dry-run']);
    expect(stdout).toBe(`Would encrypt 3 values with k-new.
field                  key    values
idempotency_keys.body  k-new       1
idempotency_keys.body  k-old       3
k-old must stay in KEYRING: 3 values need it.
`);
    expect(code).toBe(0);
    expect([await answers().find().toArray(), await events()]).toEqual([before, []]);
  });

  it.each([[[]], [['--dry-run']]])(
    'names what does not open, shows none of it, and exits with 1 %j',
    async (options) => {
      const [altered, moved, other, good] = keptAnswers(old, 4);
      const foreign = keptAnswers(parseKeyring(`k-lost:${key()}`), 1)[0];
      const [a, b, c] = [altered, moved, foreign].map((each) => each?._id);
      const documents = [
        { ...altered, body: flipped(altered?.['body']) },
        { ...moved, body: other?.['body'] },
        foreign,
        good,
      ];
      await answers().insertMany(documents as never);
      await answers().insertOne(
        { _id: 'plain', fingerprint: 'f', body: 'in clear', expiresAt: new Date(Date.now() + 60_000) },
        UNCHECKED,
      );
      const before = await answers().find().toArray();

      const { code, stdout, stderr } = await keys(['rotate', ...options]);
      const why = 'The ciphertext in idempotency_keys.body was altered or moved there';
      expect(linesOf(stderr).sort()).toEqual(
        [
          `Not readable: idempotency_keys ${a} body, key k-old: ${why}`,
          `Not readable: idempotency_keys ${b} body, key k-old: ${why}`,
          `Not readable: idempotency_keys ${c} body, key k-lost: The ciphertext was made with key 'k-lost', which the keyring lacks`,
          'Not readable: idempotency_keys plain body: The value is not a ciphertext of this keyring',
        ].sort(),
      );
      expect(stdout).toContain('4 values cannot be read.');
      expect(stdout).toContain('k-old must stay in KEYRING');
      expect(code).toBe(1);
      // What cannot be read is left as it is.
      const after = await answers().find().toArray();
      const changed = after.filter(({ body }, index) => body !== before[index]?.['body']);
      expect(changed.map(({ _id }) => _id)).toEqual(options.length > 0 ? [] : [good?._id]);
      expect(stdout + stderr).not.toMatch(/in clear|answer \d|v1\./);
    },
  );

  it('tells how many sessions a key would take with it', async () => {
    const until = new Date(Date.now() + 86_400_000);
    const session = (keyring: typeof old, idleExpiresAt: Date) => {
      const [_id, seed] = [new ObjectId(), randomBytes(32)];
      const refreshToken = mintRefreshToken(keyring, { sessionId: _id.toHexString(), rotation: 4, seed });
      const now = new Date();
      return {
        ...{ _id, userId: new ObjectId(), status: 'active', roles: ['user'], rotation: 4, rotatedAt: now },
        ...{ refreshTokenHash: hashRefreshToken(refreshToken), seed: seed.toString('base64url') },
        ...{ authenticationMethods: ['pwd'], authenticatedAt: now, createdAt: now, lastUsedAt: now },
        ...{ idleExpiresAt, expiresAt: new Date(until.getTime() + 1_000) },
      };
    };
    await db
      .collection('sessions')
      .insertMany([
        session(old, until),
        session(old, new Date(until.getTime() - 1_000)),
        session(old, new Date(Date.now() - 1)),
        session(both, until),
      ]);
    const { code, stdout } = await keys(['rotate']);
    expect(stdout).toContain(
      `k-old may be dropped from KEYRING, but 2 sessions have a refresh token of it and would end. By ${until.toISOString()} all`,
    );
    expect(code).toBe(0);
  });
});

describe('roster keys retire-signing-key', () => {
  it('replaces the key that signs, and tells which does now', async () => {
    const [first, second] = [signingKey(1), signingKey(2, new Date(Date.now() + 86_400_000))];
    await signingKeys().insertMany([first, second]);
    const { code, stdout } = await keys(['retire-signing-key', first._id, '--reason', 'seen in a log']);
    const left = await signingKeys().find().toArray();
    expect(left).toHaveLength(1);
    const [successor] = left;
    expect(stdout).toBe(
      `Retired ${first._id}.\nRetired ${second._id}.\n${successor?._id} signs from now on.\n` +
        'Within a minute every instance refuses what a retired key signed.\n',
    );
    expect(code).toBe(0);
    expect(successor).toMatchObject({ generation: 3 });
    expect(both.keyIdOf(successor?.['privateJwk'])).toBe('k-new');
    const operator = { outcome: 'success', actor: { type: 'operator' } };
    const target = (name: unknown) => ({ collection: 'signing_keys', name });
    // The reason is among what is encrypted.
    const told = { personal: expect.stringMatching(/^v1\.k-new\./), commitment: expect.any(String) };
    expect(await events()).toEqual([
      { action: 'signing-key.retired', ...operator, target: target(first._id), ...told },
      { action: 'signing-key.retired', ...operator, target: target(second._id), ...told },
      { action: 'signing-key.created', ...operator, target: target(successor?._id) },
    ]);
  });

  it('retires all of them, also those that the keyring does not open', async () => {
    await signingKeys().insertMany([signingKey(1), signingKey(2, new Date(0), parseKeyring(generateKeyringSpec()))]);
    const { code } = await keys(['retire-signing-key', '--all'], NEW);
    expect(code).toBe(0);
    expect(await signingKeys().find().toArray()).toMatchObject([{ generation: 3 }]);
  });

  it('names the keys there are when there is no such key, and changes nothing', async () => {
    const [first, second] = [signingKey(1), signingKey(2)];
    await signingKeys().insertMany([first, second]);
    const { code, stderr } = await keys(['retire-signing-key', 'nothing']);
    expect(linesOf(stderr)).toEqual([
      'There is no such signing key. These are trusted:',
      `  ${first._id} (has signed)`,
      `  ${second._id} (signs)`,
    ]);
    expect(code).toBe(1);
    expect(await signingKeys().countDocuments()).toBe(2);
  });

  it('exits with 2 when it is not told which, or both, or why in no words', async () => {
    const wrong = [[], ['a-kid', '--all'], ['a-kid', '--reason', ' ']];
    const outcomes = await Promise.all(wrong.map((args) => keys(['retire-signing-key', ...args])));
    expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2]);
  });
});

it('roster keys generate prints a keyring', async () => {
  const { code, stdout } = await roster(['keys', 'generate']);
  expect(parseKeyring(stdout.trim()).keyIds).toHaveLength(1);
  expect(code).toBe(0);
});
