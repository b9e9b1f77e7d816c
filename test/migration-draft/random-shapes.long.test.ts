import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IndexDefinition } from '../../src/collections/define.ts';
import type { ValidatorSchema } from '../../src/collections/validator.ts';
import { draftMigration } from '../../src/migration-draft/draft.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { type CollectionShape, readShape, type Shape } from '../../src/schema-check/shape.ts';
import { databases } from '../helpers/databases.ts';
import { Drafts, makeShape } from '../helpers/drafts.ts';

const { fresh } = databases();
let drafts: Drafts;
beforeAll(async () => {
  drafts = await Drafts.make();
});
afterAll(() => drafts.remove());

const NAMES = ['a', 'someName', 'aNameThatIsLongerThanMost'];
const VALUES = ['on', 'off', "o'clock", 'say "so"', 'a-value-that-is-longer-than-most-values-are'];

const scalar: fc.Arbitrary<ValidatorSchema> = fc.oneof(
  fc.constant({}),
  fc.constantFrom('date', 'number', 'objectId', 'bool').map((bsonType) => ({ bsonType })),
  fc.constant<ValidatorSchema>({ bsonType: ['string', 'number'] }),
  fc.integer({ min: 1, max: 9999 }).map((maxLength) => ({ bsonType: 'string', maxLength })),
  fc.subarray(VALUES, { minLength: 1 }).map((values) => ({ bsonType: 'string', enum: values })),
  fc.uniqueArray(fc.integer({ min: -9999, max: 9999 }), { minLength: 1, maxLength: 30 }).map((values) => ({
    bsonType: 'number',
    enum: values,
  })),
);

const objectOf = (rule: fc.Arbitrary<ValidatorSchema>): fc.Arbitrary<ValidatorSchema> =>
  fc.dictionary(fc.constantFrom(...NAMES), rule, { minKeys: 1 }).chain((properties) =>
    fc.subarray(Object.keys(properties)).map((required) => ({
      bsonType: 'object',
      ...(required.length > 0 && { required }),
      properties: { ...properties },
    })),
  );

const nested = fc.oneof(
  { weight: 3, arbitrary: scalar },
  { weight: 1, arbitrary: objectOf(scalar) },
  { weight: 1, arbitrary: fc.oneof(scalar, objectOf(scalar)).map((items) => ({ bsonType: 'array', items })) },
);

const index = fc
  .record({
    fields: fc.subarray(NAMES, { minLength: 1 }),
    unique: fc.boolean(),
    ttl: fc.option(fc.nat(9999), { nil: undefined }),
    isPartial: fc.boolean(),
  })
  .map(
    ({ fields, unique, ttl, isPartial }): IndexDefinition => ({
      // Named for its fields: servers take no second index of the same fields.
      name: `idx_${fields.join('_')}`,
      key: Object.fromEntries(fields.map((field) => [field, 1])),
      unique,
      ...(ttl !== undefined && fields.length === 1 && { expireAfterSeconds: ttl }),
      ...(isPartial && { partialFilterExpression: { [fields[0] ?? '']: { $exists: true } } }),
    }),
  );

const collection: fc.Arbitrary<CollectionShape> = fc.record({
  indexes: fc.uniqueArray(index, { selector: ({ name }) => name, maxLength: 3 }),
  validator: objectOf(nested),
});

const shape: fc.Arbitrary<Shape> = fc
  .dictionary(fc.constantFrom('things', 'other_things', 'collection.of-many'), collection)
  .map((collections) => new Map(Object.entries(collections)));

/** For fields below arrays a draft stops, whatever their default. */
const isRequiredBelowArray = (message: string): boolean => /\[\]\.\w+ becomes required/.test(message);

function textOf(before: Shape, after: Shape): string | undefined {
  try {
    return draftMigration(before, after, () => 'a default')?.text;
  } catch (error) {
    fc.pre(!isRequiredBelowArray((error as Error).message));
    throw error;
  }
}

describe('a draft between any two shapes', () => {
  it('is empty only where nothing is different, and written as the formatter wants it', async () => {
    const property = fc.asyncProperty(shape, shape, async (before, after) => {
      const text = textOf(before, after);
      expect(text === undefined).toBe(differences(after, before).length === 0);
      expect(textOf(after, structuredClone(after) as Shape)).toBeUndefined();
      if (text !== undefined) await drafts.write(text);
    });
    await fc.assert(property, { numRuns: 150 });
    expect(drafts.complaints()).toBe('');
  });

  it('makes the one of the other, and the other again', async () => {
    const property = fc.asyncProperty(shape, shape, async (before, after) => {
      const text = textOf(before, after);
      fc.pre(text !== undefined);
      const { up, down } = await drafts.write(text);
      const db = fresh();
      await makeShape(db, before);
      for (const [change, wanted] of [
        [up, after],
        [down, before],
        [up, after],
      ] as const) {
        await change(db);
        await change(db);
        expect(differences(wanted, await readShape(db))).toEqual([]);
      }
      await db.dropDatabase();
    });
    await fc.assert(property, { numRuns: 10 });
  });
});
