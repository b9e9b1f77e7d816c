import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ValidatorSchema } from '../../src/collections/validator.ts';
import { type Draft, draftMigration } from '../../src/migration-draft/draft.ts';
import { DraftError } from '../../src/migration-draft/literal.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { type CollectionShape, readShape, type Shape } from '../../src/schema-check/shape.ts';
import { databases } from '../helpers/databases.ts';
import { Drafts, isKilledAfter, makeShape } from '../helpers/drafts.ts';

const VALIDATORS_LIBRARY = new URL('../../migrations/lib/validators.js', import.meta.url).href;

const { fresh } = databases();
let drafts: Drafts;
beforeAll(async () => {
  drafts = await Drafts.make();
});
afterAll(() => drafts.remove());

const people: CollectionShape = {
  indexes: [
    { key: { email: 1 }, name: 'idx_people_email', unique: true },
    { key: { expiresAt: 1 }, name: 'idx_people_expires_at', unique: false, expireAfterSeconds: 0 },
  ],
  validator: {
    bsonType: 'object',
    required: ['_id', 'email', 'status'],
    properties: {
      _id: { bsonType: 'objectId' },
      email: { bsonType: 'string', maxLength: 255 },
      status: { bsonType: 'string', enum: ['active', 'suspended'] },
      roles: { bsonType: 'array', items: { bsonType: 'string', enum: ['user', 'admin'] } },
      address: { bsonType: 'object', required: ['city'], properties: { city: { bsonType: 'string' } } },
      tries: {
        bsonType: 'array',
        items: { bsonType: 'object', required: ['at'], properties: { at: { bsonType: 'date' } } },
      },
      count: { bsonType: 'number' },
      expiresAt: { bsonType: 'date' },
    },
  },
};

const invoices: CollectionShape = {
  indexes: [{ key: { personId: 1, _id: 1 }, name: 'idx_invoices_person_id', unique: false }],
  validator: {
    bsonType: 'object',
    required: ['_id', 'personId', 'total'],
    properties: { _id: { bsonType: 'objectId' }, personId: { bsonType: 'objectId' }, total: { bsonType: 'number' } },
  },
};

const BEFORE: Shape = new Map([['people', people]]);

const PERSON = { email: 'ada@example.com', status: 'active', roles: ['user'], address: { city: 'London' } };

/** People, changed. */
function changed(edit: (people: { indexes: Document[]; validator: Document }) => void): Shape {
  const copy = structuredClone(people) as unknown as { indexes: Document[]; validator: Document };
  edit(copy);
  return new Map([['people', copy as unknown as CollectionShape]]);
}

const rules = (edit: (properties: Document, validator: Document) => void): Shape =>
  changed(({ validator }) => edit(validator['properties'], validator));

const DEFAULTS: Readonly<Record<string, unknown>> = {
  'people.nickname': 'none',
  'people.level': 1,
  'people.roles': ['user'],
  'people.address.country': 'GB',
};
const defaultOf = (collection: string, path: string): unknown => DEFAULTS[`${collection}.${path}`];

function draftOf(before: Shape, after: Shape): Draft {
  const draft = draftMigration(before, after, defaultOf);
  if (draft === undefined) throw new Error('nothing is drafted');
  return draft;
}

const longList = Array.from({ length: 20 }, (_, index) => `a-value-with-a-long-name-${index}`);

const KINDS: Readonly<Record<string, Shape>> = {
  'a new collection': new Map([...BEFORE, ['invoices', invoices]]),
  'a collection that is dropped': new Map(),
  'a new index': changed(({ indexes }) =>
    indexes.push({ key: { status: 1 }, name: 'idx_people_status', unique: false }),
  ),
  'a partial index': changed(({ indexes }) =>
    indexes.push({
      key: { count: -1, _id: 1 },
      name: 'idx_people_count',
      unique: false,
      partialFilterExpression: { count: { $exists: true }, 'address.city': 'London' },
    }),
  ),
  'an index that is removed': changed(({ indexes }) => indexes.pop()),
  'a changed TTL': changed(({ indexes }) => Object.assign(indexes[1] ?? {}, { expireAfterSeconds: 3600 })),
  'a changed key': changed(({ indexes }) => Object.assign(indexes[0] ?? {}, { key: { email: 1, status: 1 } })),
  'an index that changes its name alone': changed(({ indexes }) =>
    Object.assign(indexes[0] ?? {}, { name: 'idx_other' }),
  ),
  'more values': rules(({ status }) => status.enum.push('archived', "o'clock")),
  'fewer values': rules(({ status }) => status.enum.pop()),
  'all values changed': rules(({ status }) => Object.assign(status, { enum: ['on', 'off'] })),
  'more values in an array': rules(({ roles }) => roles.items.enum.push(...longList)),
  'a new field': rules((properties) => Object.assign(properties, { nickname: { bsonType: 'string', maxLength: 30 } })),
  'a new field with a long list': rules((properties) =>
    Object.assign(properties, { nickname: { bsonType: 'string', enum: longList } }),
  ),
  'a new field below an object': rules(({ address }) =>
    Object.assign(address.properties, { zip: { bsonType: 'string' } }),
  ),
  'a new field below an array': rules(({ tries }) =>
    Object.assign(tries.items.properties, { failure: { bsonType: 'string' } }),
  ),
  'a field that goes': rules((properties) => delete properties['count']),
  'a required field that goes': rules((properties, validator) => {
    delete properties['status'];
    validator['required'].pop();
  }),
  'a field of another kind': rules(({ count }) => Object.assign(count, { bsonType: 'string', maxLength: 20 })),
  'items of another kind': rules(({ roles }) => Object.assign(roles, { items: { bsonType: 'objectId' } })),
  'another limit': rules(({ email }) => Object.assign(email, { maxLength: 300 })),
  'a new field that is required': rules((properties, validator) => {
    Object.assign(properties, { nickname: { bsonType: 'string' }, level: { bsonType: 'number' } });
    validator['required'].push('nickname', 'level');
  }),
  'a field that becomes required': rules((_, validator) => validator['required'].push('roles')),
  'a field below an object that becomes required': rules(({ address }) => {
    address.properties.country = { bsonType: 'string' };
    address.required.push('country');
  }),
  'a field that becomes optional': rules((_, validator) => validator['required'].pop()),
  'the last required field below an object becomes optional': rules(({ address }) => delete address.required),
  'no list of fields': rules((_, validator) => delete validator['properties']),
  'no validator': changed((copy) => Object.assign(copy, { validator: undefined })),
  'many things at once': new Map([
    ...rules(({ status, email, address, ...properties }, validator) => {
      status.enum.push('archived');
      email.maxLength = 320;
      address.properties = { city: { bsonType: 'string', maxLength: 100 }, country: { bsonType: 'string' } };
      address.required = ['city', 'country'];
      validator['properties'] = { ...properties, status, email, address, nickname: { bsonType: 'string' } };
      validator['required'] = ['_id', 'email', 'nickname'];
    }),
    ['invoices', invoices],
  ]),
};

/** Required again: what documents that lack it shall hold is for a person to say. */
const STOPS_ON_THE_WAY_BACK = new Set([
  'a required field that goes',
  'a field that becomes optional',
  'the last required field below an object becomes optional',
  'many things at once',
]);

describe('draftMigration', () => {
  it('has nothing to do where nothing is different', () => {
    expect(draftMigration(BEFORE, structuredClone(BEFORE), defaultOf)).toBeUndefined();
  });

  it('takes what servers store of a rule for the rule, and what a retired collection leaves for nothing', () => {
    const stored = changed(({ validator }) => {
      validator['properties'].count.bsonType = ['double', 'int', 'long', 'decimal'];
      validator['required'].reverse();
    });
    const left: Shape = new Map([...stored, ['retired', { indexes: [], validator: undefined }]]);
    expect(draftMigration(left, BEFORE, defaultOf)).toBeUndefined();
  });

  describe.each(Object.entries(KINDS))('of %s', (kind, after) => {
    it('has steps that are safe to repeat, killed midway at any of them, there and back', async () => {
      const { up, down } = await drafts.write(draftOf(BEFORE, after).text);
      const db = fresh();
      await makeShape(db, BEFORE);
      for (let steps = 0, isDying = true; isDying; steps += 1) {
        isDying = await isKilledAfter(steps, db, up);
        await up(db);
        await isKilledAfter(steps, db, down);
        await down(db);
      }
      expect(differences(BEFORE, await readShape(db))).toEqual([]);
    });

    it.each([
      ['there', BEFORE, after],
      ['back', after, BEFORE],
    ])('goes up, down and up, %s, and keeps documents', async (way, from, to) => {
      if (way === 'back' && STOPS_ON_THE_WAY_BACK.has(kind)) {
        expect(() => draftOf(from, to)).toThrow(/becomes required/);
        return;
      }
      const draft = draftOf(from, to);
      const { up, down } = await drafts.write(draft.text);
      const db = fresh();
      await makeShape(db, from);
      if (from === BEFORE) await db.collection('people').insertOne({ ...PERSON });
      const documents = await db.collection('people').countDocuments();
      const shape = async (wanted: Shape): Promise<string[]> => {
        const found = await readShape(db);
        // A retired collection that holds something stays, without rules.
        const kept = [...found].filter(([name, rest]) => wanted.has(name) || rest.validator || rest.indexes.length > 0);
        return differences(wanted, new Map(kept));
      };
      for (const [change, wanted] of [
        [up, to],
        [down, from],
      ] as const) {
        await change(db);
        expect(await shape(wanted)).toEqual([]);
      }
      await up(db);
      expect(await shape(to)).toEqual([]);
      expect(await db.collection('people').countDocuments()).toBe(documents);
      expect(draftMigration(to, to, defaultOf)).toBeUndefined();
    });
  });

  it('is written as the formatter and the linter want it', () => {
    expect(drafts.complaints()).toBe('');
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
