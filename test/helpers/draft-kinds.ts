import type { Document } from 'mongodb';
import { type Draft, draftMigration } from '../../src/migration-draft/draft.ts';
import type { CollectionShape, Shape } from '../../src/schema-check/shape.ts';

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

export const invoices: CollectionShape = {
  indexes: [{ key: { personId: 1, _id: 1 }, name: 'idx_invoices_person_id', unique: false }],
  validator: {
    bsonType: 'object',
    required: ['_id', 'personId', 'total'],
    properties: { _id: { bsonType: 'objectId' }, personId: { bsonType: 'objectId' }, total: { bsonType: 'number' } },
  },
};

export const BEFORE: Shape = new Map([['people', people]]);

export const PERSON = { email: 'ada@example.com', status: 'active', roles: ['user'], address: { city: 'London' } };

/** People, changed. */
export function changed(edit: (people: { indexes: Document[]; validator: Document }) => void): Shape {
  const copy = structuredClone(people) as unknown as { indexes: Document[]; validator: Document };
  edit(copy);
  return new Map([['people', copy as unknown as CollectionShape]]);
}

export const rules = (edit: (properties: Document, validator: Document) => void): Shape =>
  changed(({ validator }) => edit(validator['properties'], validator));

const DEFAULTS: Readonly<Record<string, unknown>> = {
  'people.nickname': 'none',
  'people.level': 1,
  'people.roles': ['user'],
  'people.address.country': 'GB',
  'people.tries[].failure': 'unknown',
};
export const defaultOf = (collection: string, path: string): unknown => DEFAULTS[`${collection}.${path}`];

export function draftOf(before: Shape, after: Shape): Draft {
  const draft = draftMigration(before, after, defaultOf);
  if (draft === undefined) throw new Error('nothing is drafted');
  return draft;
}

const longList = Array.from({ length: 20 }, (_, index) => `a-value-with-a-long-name-${index}`);

export const KINDS: Readonly<Record<string, Shape>> = {
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
export const STOPS_ON_THE_WAY_BACK = new Set([
  'a required field that goes',
  'a field that becomes optional',
  'the last required field below an object becomes optional',
  'many things at once',
]);
