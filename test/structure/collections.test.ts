import { readdir } from 'node:fs/promises';
import mongoose from 'mongoose';
import { describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import type { ValidatorSchema } from '../../src/collections/validator.ts';
import { storedPaths } from '../../src/documents/collection.ts';

const MODELS = new URL('../../src/models/', import.meta.url);
const VALIDATOR_BYTES = 10 * 1024;

for (const file of await readdir(MODELS)) if (file.endsWith('.ts')) await import(new URL(file, MODELS).href);

/** Every place of a schema that lists values, those of nested schemas and of arrays too. */
function enumsIn(schema: ValidatorSchema): unknown[][] {
  return [
    ...(schema.enum ? [schema.enum] : []),
    ...(schema.items ? enumsIn(schema.items) : []),
    ...Object.values(schema.properties ?? {}).flatMap(enumsIn),
  ];
}

it('lists every model, once', () => {
  const listed = collections.map(({ model }) => model.modelName);
  expect([...listed].sort()).toEqual(mongoose.modelNames().sort());
});

describe.each(collections)('$name', (collection) => {
  const stored = storedPaths(collection.validator).map(([path]) => path);

  it('says of every stored path who sees it, and of no other', () => {
    const { public: everyone, admin, private: nobody } = collection;
    const said = [...Object.keys(everyone), ...Object.keys(admin), ...Object.keys(nobody)];
    expect([...said].sort()).toEqual([...stored].sort());
  });

  it('puts on the wire what is stored and not private, or a listed computed field', () => {
    const { public: everyone, admin, computed, wire } = collection;
    const shown = new Set(wire.flatMap((view) => Object.keys((view as { properties?: object }).properties ?? {})));
    expect([...shown].sort()).toEqual([...Object.keys({ ...everyone, ...admin, ...computed })].sort());
  });

  it('shows its owner no field that is for admins', () => {
    // Where nothing is public, there is no owner, and all views are for admins.
    const [owners] = Object.keys(collection.public).length > 0 ? collection.wire : [];
    const shown = Object.keys((owners as { properties?: object } | undefined)?.properties ?? {});
    expect(shown.filter((name) => name in collection.admin)).toEqual([]);
  });

  it('says of every index what it serves', () => {
    expect(Object.keys(collection.indexes)).toEqual(collection.indexDefinitions.map(({ name }) => name));
  });

  it('names its indexes idx_<collection>_<fields>', () => {
    for (const { name, key } of collection.indexDefinitions) {
      const fields = Object.keys(key).map((path) =>
        path.replaceAll('.', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      );
      // The `_id` that only breaks ties is left out.
      expect(name).toBe(`idx_${collection.name}_${fields.filter((field) => field !== '_id').join('_')}`);
    }
  });

  it('expires by the date in expiresAt, so that a changed period touches no index', () => {
    const ttl = collection.indexDefinitions.filter(({ expireAfterSeconds }) => expireAfterSeconds !== undefined);
    // The counters have the shape of the library that counts.
    const path = collection.name === 'rate_limits' ? 'expire' : 'expiresAt';
    for (const index of ttl) expect(index).toMatchObject({ key: { [path]: 1 }, expireAfterSeconds: 0 });
    expect(ttl.length > 0).toBe(stored.includes(path));
  });

  it('has an index for each reference', () => {
    for (const { path, to } of collection.relations) {
      expect(collections.map(({ name }) => name)).toContain(to);
      expect(collection.indexDefinitions.map(({ key }) => Object.keys(key)[0])).toContain(path);
    }
  });

  it('names every enum that it uses', () => {
    const named = collections.flatMap(({ enums }) => Object.values(enums)).map((values) => JSON.stringify(values));
    for (const values of enumsIn(collection.validator)) expect(named).toContain(JSON.stringify(values));
  });

  it('has a validator that every engine takes', () => {
    const text = JSON.stringify(collection.validator);
    expect(text).not.toContain('additionalProperties');
    expect(Buffer.byteLength(text)).toBeLessThan(VALIDATOR_BYTES);
  });
});
