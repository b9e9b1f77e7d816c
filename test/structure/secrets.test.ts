import { describe, expect, it } from 'vitest';
import type { Collection } from '../../src/collections/define.ts';
import { collections } from '../../src/collections/index.ts';
import type { ValidatorSchema } from '../../src/collections/validator.ts';
import { storedPaths } from '../../src/documents/collection.ts';

const SMELLS = /secret|token|hash|password|key$/i;

/** What tells no secret, whatever it is called. */
const HARMLESS = new Set(['bool', 'date', 'number', 'objectId']);

const tells = ({ items, bsonType }: ValidatorSchema): boolean =>
  items ? tells(items) : bsonType === undefined || [bsonType].flat().some((type) => !HARMLESS.has(type));

const unmarked = ({ validator, encrypted, kept }: Pick<Collection, 'validator' | 'encrypted' | 'kept'>): string[] =>
  storedPaths(validator)
    .filter(([path, schema]) => SMELLS.test(path) && schema.enum === undefined && tells(schema))
    .map(([path]) => path)
    .filter((path) => !(path in encrypted || path in kept));

describe.each(collections)('$name', (collection) => {
  it('says of each field that sounds like a secret how it is kept', () => {
    expect(unmarked(collection)).toEqual([]);
  });

  it('says it in words, and of no field both', () => {
    const { encrypted, kept } = collection;
    for (const says of Object.values({ ...encrypted, ...kept })) expect(says).toMatch(/^[\w-].*\.$/);
    expect(Object.keys(encrypted).filter((path) => path in kept)).toEqual([]);
  });
});

it('a field that sounds like one is found, and a time is none', () => {
  const properties = {
    apiToken: { bsonType: 'string' },
    tokenUntil: { bsonType: 'date' },
    name: { bsonType: 'string' },
  };
  expect(unmarked({ validator: { properties }, encrypted: {}, kept: {} })).toEqual(['apiToken']);
  expect(unmarked({ validator: { properties }, encrypted: {}, kept: { apiToken: 'Hashed.' } })).toEqual([]);
});
