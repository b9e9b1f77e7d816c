import { type Blueprint, type Index, indexesOf, type Link } from './blueprint.ts';
import type { Field } from './field.ts';
import { indexOptions, junctionIndexes, keyText, ownerPath } from './model-text.ts';
import { purposeOf } from './route-text.ts';

type Shape = Readonly<Record<string, string>>;

/** Of every journaled collection. */
const JOURNALED: Shape = { journalRevision: "{ bsonType: 'number' }" };

/** `LIFE_FIELDS`, as a validator has them. */
const LIFE: Shape = {
  createdAt: "{ bsonType: 'date' }",
  updatedAt: "{ bsonType: 'date' }",
  revision: "{ bsonType: 'number' }",
  deletedAt: "{ bsonType: 'date' }",
  purgeAt: "{ bsonType: 'date' }",
  deletedWith: "{ bsonType: 'objectId' }",
  settling: "{ bsonType: 'bool' }",
  childrenRevision: "{ bsonType: 'number' }",
};

/** What `addLifeIndexes` adds. */
const lifeIndexes = (collection: string): Index[] => [
  { name: `idx_${collection}_purge_at`, key: { purgeAt: 1 }, only: 'purgeAt' },
  { name: `idx_${collection}_settling`, key: { settling: 1, _id: 1 }, only: 'settling' },
  { name: `idx_${collection}_deleted_with`, key: { deletedWith: 1, _id: 1 }, only: 'deletedWith' },
];

const BSON = {
  integer: 'number',
  number: 'number',
  boolean: 'bool',
  date: 'date',
  decimal: 'decimal',
  reference: 'objectId',
} as const;

function bsonOf({ type }: Field): string {
  if (type.name === 'string' || type.name === 'text') return `{ bsonType: 'string', maxLength: ${type.maxLength} }`;
  if (type.name === 'enum')
    return `{ bsonType: 'string', enum: [${type.values.map((value) => `'${value}'`).join(', ')}] }`;
  return `{ bsonType: '${BSON[type.name]}' }`;
}

function partText(
  collection: string,
  properties: Shape,
  required: readonly string[],
  indexes: readonly Index[],
): string {
  const members = Object.entries({ _id: "{ bsonType: 'objectId' }", ...properties }).map(
    ([name, rule]) => `${name}: ${rule},`,
  );
  return `{
    name: '${collection}',
    shape: {
      bsonType: 'object',
      required: [${['_id', ...required].map((name) => `'${name}'`).join(', ')}],
      properties: {
        ${members.join('\n')}
      },
    },
    indexes: [
      ${indexes.map((index) => `{ key: ${keyText(index.key)}, ${indexOptions(index)} },`).join('\n')}
    ],
  },`;
}

function collectionPart(blueprint: Blueprint): string {
  const { names, fields } = blueprint;
  const owner = [ownerPath(blueprint) ?? []].flat();
  const properties = {
    ...LIFE,
    ...Object.fromEntries(owner.map((path) => [path, "{ bsonType: 'objectId' }"])),
    ...Object.fromEntries(fields.map((field) => [field.name, bsonOf(field)])),
    ...JOURNALED,
  };
  const required = fields.filter(({ optional }) => !optional).map(({ name }) => name);
  return partText(
    names.collection,
    properties,
    ['createdAt', 'updatedAt', 'revision', ...owner, ...required],
    [...indexesOf(blueprint), ...lifeIndexes(names.collection)],
  );
}

function junctionPart(link: Link): string {
  const id = "{ bsonType: 'objectId' }";
  return partText(
    link.collection,
    { [link.from]: id, [link.to]: id, createdAt: "{ bsonType: 'date' }", ...JOURNALED },
    [link.from, link.to, 'createdAt'],
    junctionIndexes(link),
  );
}

export const migrationFile = ({ names, migration }: Blueprint): string =>
  `migrations/${migration}_add_${names.collection}.js`;

/** The migration that makes the collection and its junctions, with validators and indexes. */
export function migrationText(blueprint: Blueprint): string {
  const purpose = purposeOf(blueprint);
  return `// Why: ${purpose.charAt(0).toLowerCase()}${purpose.slice(1)}

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const parts = [
  ${[collectionPart(blueprint), ...blueprint.links.map(junctionPart)].join('\n')}
];

export async function up(db) {
  for (const { name, shape, indexes } of parts) {
    await putCollection(db, name, shape);
    await putIndexes(db, name, indexes);
  }
}

/** A collection that holds anything stays, without its validator. */
export async function down(db) {
  for (const { name, indexes } of parts.toReversed()) {
    await dropIndexes(db, name, indexes);
    await retireCollection(db, name);
  }
}
`;
}
