import type { Collection, IndexDefinition } from '../collections/define.ts';
import type { ValidatorSchema } from '../collections/validator.ts';
import { code, paragraphs, table } from './markdown.ts';

/** One collection of the schema document: fields with types and rules, indexes and what they serve, retention. */
export function collectionSection(collection: Collection): string {
  return paragraphs(
    `### ${collection.name}`,
    collection.purpose,
    table(['Field', 'Type', 'Required', 'Seen by', 'Rule'], fieldRows(collection)),
    computedText(collection),
    '**Indexes**',
    table(
      ['Name', 'Keys', 'Serves'],
      [
        ['`_id_`', '`_id`', 'One document by its id.'],
        ...collection.indexDefinitions.map((index) => [
          code(index.name),
          keyText(index),
          collection.indexes[index.name] ?? '',
        ]),
      ],
    ),
    `**Retention.** ${collection.retention}`,
    collection.notBackedUp === undefined ? '' : `**Not in backups.** ${collection.notBackedUp}`,
    collection.notJournaled === undefined ? '' : `**Not in the journal.** ${collection.notJournaled}`,
  );
}

/** Path → schema, depth first, an object before what is in it. */
export function storedPaths(schema: ValidatorSchema, prefix = ''): [string, ValidatorSchema, boolean][] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, child]) => [
    [prefix + name, child, required.includes(name)],
    ...storedPaths(child, `${prefix}${name}.`),
  ]);
}

function fieldRows(collection: Collection): string[][] {
  return storedPaths(collection.validator).map(([path, schema, required]) => {
    const { public: everyone, admin, private: nobody } = collection;
    const seenBy = path in everyone ? 'owner' : path in admin ? 'admin' : '–';
    const rule = everyone[path] ?? admin[path] ?? nobody[path] ?? '';
    const type = `${typeText(schema, collection)}${path in collection.encrypted ? ', encrypted' : ''}`;
    return [code(path), type, required ? 'yes' : '', seenBy, rule];
  });
}

const TYPES: Readonly<Record<string, string>> = {
  bool: 'boolean',
  binData: 'binary',
  objectId: 'ObjectId',
  date: 'Date',
};

function typeText(schema: ValidatorSchema, collection: Collection): string {
  const { bsonType, enum: values, items, maxLength } = schema;
  if (items !== undefined) return `array of ${typeText(items, collection)}`;
  if (values !== undefined)
    return values.length > 1 ? values.map((value) => code(String(value))).join(', ') : code(String(values[0]));
  const names = [bsonType ?? 'any'].flat().map((type) => TYPES[type] ?? type);
  return `${names.join(' or ')}${maxLength === undefined ? '' : ` ≤ ${maxLength}`}`;
}

function computedText({ computed }: Collection): string {
  const entries = Object.entries(computed);
  if (entries.length === 0) return '';
  return `On the wire, but not stored by that name: ${entries.map(([name, rule]) => `${code(name)} (${rule.replace(/\.$/, '')})`).join(', ')}.`;
}

function keyText({ key, unique, expireAfterSeconds }: IndexDefinition): string {
  const keys = Object.entries(key).map(([path, direction]) => code(direction === 1 ? path : `${path}: ${direction}`));
  return [keys.join(', '), unique && 'unique', expireAfterSeconds !== undefined && `TTL ${expireAfterSeconds} s`]
    .filter(Boolean)
    .join('; ');
}
