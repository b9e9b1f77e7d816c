import { readdir, readFile } from 'node:fs/promises';
import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { storedPaths } from '../../src/documents/collection.ts';
import { SCENE_PROVIDERS } from '../../src/explain/exercise-identities.ts';
import { EXERCISES } from '../../src/explain/exercises.ts';
import { Scene } from '../../src/explain/scene.ts';
import { CIPHERTEXT_PATTERN, DecryptionError, placeOf } from '../../src/lib/keyring.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { expectJournalToAgree } from '../helpers/journal.ts';

const SRC = new URL('../../src/', import.meta.url);
const CIPHERTEXT = new RegExp(CIPHERTEXT_PATTERN);

const declared = collections.flatMap(({ name, encrypted }) => Object.keys(encrypted).map((path) => `${name}.${path}`));

describe.each(collections.filter(({ encrypted }) => Object.keys(encrypted).length > 0))('$name', (collection) => {
  it('has sensitive fields that nobody sees, and whose clear text the database refuses', () => {
    const stored = new Map(storedPaths(collection.validator).map(([path, schema]) => [path, schema]));
    for (const path of Object.keys(collection.encrypted)) {
      expect(stored.get(path), path).toMatchObject({ bsonType: 'string', pattern: CIPHERTEXT_PATTERN });
      expect(Object.keys(collection.private)).toContain(path);
    }
  });
});

const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith('.ts'));
const sources = await Promise.all(
  files.map(async (file) => [file, await readFile(new URL(file, SRC), 'utf8')] as const),
);

/** What seals and opens, what goes over all that is sealed, and one that stores nothing: the positions are in cursors. */
const SEALING = [
  'key-rotation/reencrypt.ts',
  'key-rotation/survey.ts',
  'key-rotation/walk.ts',
  'models/sensitive.ts',
  'routes/resource/link-positions.ts',
];

describe('ciphertexts', () => {
  it('are made, opened and given their places by one module, and by the rotation of keys', () => {
    const byHand = sources.filter(([, source]) => /\.(?:en|de)crypt\(|\bplaceOf\(/.test(source));
    expect(byHand.map(([file]) => file).sort()).toEqual(SEALING);
  });

  it('have places that are spelled by hand nowhere', () => {
    const spelled = sources.filter(
      ([file, source]) => file !== 'lib/keyring.ts' && /\bcollection\b[^{}]*\brecord: [^{}]*\bfield\b/.test(source),
    );
    expect(spelled.map(([file]) => file)).toEqual([]);
  });
});

/** Those come from a provider or from a receiver of webhooks, which none of these requests reaches. */
const FROM_ELSEWHERE = ['identities.tokens', 'webhook_deliveries.refusal'];

/** Path → value, of every text in a document. */
function* texts(value: unknown, path: string): Generator<[string, string]> {
  if (typeof value === 'string') yield [path, value];
  else if (Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype)
    for (const [name, member] of Object.entries(value as object)) yield* texts(member, path ? `${path}.${name}` : name);
}

describe('after every route has been used', () => {
  let service: TestApp;
  const found = new Map<string, { value: string; id: string }>();
  beforeAll(async () => {
    service = await buildTestApp({ IDENTITY_PROVIDERS: SCENE_PROVIDERS, ENCRYPT_NAMES: 'true' });
    const scene = new Scene(service.app);
    for (const exercise of Object.values(EXERCISES)) await exercise(scene);
    // Images in the journal are as they stand in their own collection.
    const stored = ((await mongoose.connection.db?.collections()) ?? []).filter(
      ({ collectionName }) => collectionName !== 'journal',
    );
    for (const collection of stored)
      for (const { _id, ...document } of await collection.find().toArray())
        for (const [path, value] of texts(document, ''))
          if (CIPHERTEXT.test(value)) found.set(`${collection.collectionName}.${path}`, { value, id: String(_id) });
    // Every route, each with sign-ins: on a busy machine that takes its time.
  }, 240_000);
  afterAll(() => service.close());

  it('a ciphertext is stored in each field that is marked as sensitive, and in no other', () => {
    const reached = declared.filter((field) => !FROM_ELSEWHERE.includes(field));
    expect([...found.keys()].sort()).toEqual(reached.sort());
  });

  it('the journal tells of whatever is there by now, whoever wrote it', expectJournalToAgree);

  it('each opens in its own place, and in no other', () => {
    for (const [field, { value, id }] of found) {
      const [collection = '', ...path] = field.split('.');
      const open = (...place: Parameters<typeof placeOf>) => service.deps.keyring.decrypt(value, placeOf(...place));
      expect(open(collection, id, path.join('.')).length, field).toBeGreaterThan(0);
      expect(() => open(collection, `${id}0`, path.join('.')), field).toThrow(DecryptionError);
      expect(() => open(collection, id, 'another'), field).toThrow(DecryptionError);
      expect(() => open('another', id, path.join('.')), field).toThrow(DecryptionError);
    }
  });
});
