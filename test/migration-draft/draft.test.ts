import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ValidatorSchema } from '../../src/collections/validator.ts';
import { draftMigration } from '../../src/migration-draft/draft.ts';
import { DraftError } from '../../src/migration-draft/literal.ts';
import type { CollectionShape, Shape } from '../../src/schema-check/shape.ts';
import { databases } from '../helpers/databases.ts';
import { BEFORE, changed, defaultOf, draftOf, invoices, KINDS, PERSON, rules } from '../helpers/draft-kinds.ts';
import { Drafts, makeShape } from '../helpers/drafts.ts';

const VALIDATORS_LIBRARY = new URL('../../migrations/lib/validators.js', import.meta.url).href;

const { fresh } = databases();
let drafts: Drafts;
beforeAll(async () => {
  drafts = await Drafts.make();
});
afterAll(() => drafts.remove());

describe('draftMigration', () => {
  it('has nothing to do where nothing is different', () => {
    expect(draftMigration(BEFORE, structuredClone(BEFORE), defaultOf)).toBeUndefined();
  });

  it('takes what servers store of a rule for the rule', () => {
    const stored = changed(({ validator }) => {
      validator['properties'].count.bsonType = ['double', 'int', 'long', 'decimal'];
      validator['required'].reverse();
    });
    expect(draftMigration(stored, BEFORE, defaultOf)).toBeUndefined();
  });

  it('reads as if a person had written it', () => {
    expect(draftOf(BEFORE, KINDS['a new field that is required'] as Shape)).toEqual({
      name: 'change_people',
      text: `// Why: in people nickname and level are new; nickname and level are required.

import { fillIn } from './lib/documents.js';
import { changeValidator, withoutRequired, withProperties, withRequired } from './lib/validators.js';

const peopleFields = { nickname: { bsonType: 'string' }, level: { bsonType: 'number' } };

const peopleRequired = ['nickname', 'level'];

export async function up(db) {
  await changeValidator(db, 'people', withProperties(peopleFields));
  await fillIn(db, 'people', 'nickname', 'none');
  await fillIn(db, 'people', 'level', 1);
  await changeValidator(db, 'people', withRequired(peopleRequired));
}

/** Destroys no document. What was new stays in the documents, where nothing reads it. */
export async function down(db) {
  await changeValidator(db, 'people', withoutRequired(peopleRequired));
  await changeValidator(db, 'people', withProperties({ nickname: undefined, level: undefined }));
}
`,
    });
  });

  it('gives documents that lack what becomes required the default, and others nothing', async () => {
    const after = KINDS['a field below an object that becomes required'] as Shape;
    const { up } = await drafts.write(draftOf(BEFORE, after).text);
    const db = fresh();
    await makeShape(db, BEFORE);
    const { address: _, ...homeless } = PERSON;
    await db.collection('people').insertMany([
      { ...PERSON, address: { city: 'Paris', country: 'FR' } },
      { ...PERSON, email: 'b@example.com' },
      { ...homeless, email: 'c@example.com' },
    ]);
    await up(db);
    const found = await db.collection('people').find().sort({ email: 1 }).toArray();
    expect(found.map(({ address }) => address)).toEqual([
      { city: 'Paris', country: 'FR' },
      { city: 'London', country: 'GB' },
      undefined,
    ]);
  });

  it('is not stopped by a document that broke another rule before', async () => {
    const { up } = await drafts.write(draftOf(BEFORE, KINDS['a new field that is required'] as Shape).text);
    const db = fresh();
    await makeShape(db, BEFORE);
    await db.collection('people').insertOne({ ...PERSON, status: 'unheard-of' }, { bypassDocumentValidation: true });
    await up(db);
    expect(await db.collection('people').findOne()).toMatchObject({ nickname: 'none', level: 1, status: 'unheard-of' });
  });

  it.each([
    [
      'without a default',
      (properties: Document, validator: Document) => {
        properties['age'] = { bsonType: 'number' };
        validator['required'].push('age');
      },
      'people.age becomes required',
    ],
    [
      'below an array',
      ({ tries }: Document) => {
        tries.items.properties.failure = { bsonType: 'string' };
        tries.items.required.push('failure');
      },
      'people.tries[].failure becomes required',
    ],
  ])('stops at what becomes required %s', (_, edit, message) => {
    expect(() => draftOf(BEFORE, rules(edit))).toThrow(message);
  });

  it('stops at a value that has no spelling', () => {
    const after = changed(({ indexes }) =>
      indexes.push({
        key: { count: 1 },
        name: 'i',
        unique: false,
        partialFilterExpression: { at: { $gt: new Date() } },
      }),
    );
    expect(() => draftOf(BEFORE, after)).toThrow(DraftError);
  });

  it('leaves no list of nothing, which servers refuse', async () => {
    const { withoutRequired } = await import(VALIDATORS_LIBRARY);
    expect(withoutRequired(['a'])({ required: ['a'], properties: {} })).toEqual({ properties: {} });
  });

  it('is named for what changes', () => {
    const many = Array.from({ length: 9 }, (_, index): [string, CollectionShape] => [
      `some_invoices_${index}`,
      invoices,
    ]);
    const both = new Map([...(KINDS['more values'] as Shape), ['invoices', invoices]]) as Shape;
    expect(draftOf(BEFORE, KINDS['a new collection'] as Shape).name).toBe('add_invoices');
    expect(draftOf(BEFORE, new Map()).name).toBe('retire_people');
    expect(draftOf(BEFORE, both).name).toBe('change_people_and_invoices');
    expect(draftOf(BEFORE, new Map([...BEFORE, ...many])).name).toBe('change_collections');
  });

  it('spells the validator as the model does', () => {
    const stored = (validator: ValidatorSchema): Shape => new Map([['people', { indexes: [], validator }]]);
    const types = ['int', 'long', 'double', 'decimal'];
    const { text } = draftOf(stored({ bsonType: 'object', properties: { n: { bsonType: types } } }), new Map());
    expect(text).toContain("{ n: { bsonType: 'number' } }");
  });
});
