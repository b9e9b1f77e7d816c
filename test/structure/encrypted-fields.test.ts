import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { storedPaths } from '../../src/documents/collection.ts';
import { CIPHERTEXT_PATTERN } from '../../src/lib/keyring.ts';

const SRC = new URL('../../src/', import.meta.url);

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
  'key-rotation/names.ts',
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
