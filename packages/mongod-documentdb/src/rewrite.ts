import { type Doc, decodeExact, docOf, docsOf, encode, isDoc } from './bson.ts';

/** What `bsonType: 'number'` stands for. */
const NUMBER_TYPES = ['int', 'long', 'double', 'decimal'];
/** Commands that may carry a `$jsonSchema`. */
const SCHEMA_COMMANDS = new Set(['find', 'aggregate', 'create', 'collMod', 'count']);
/** The string 'number' as an encoded value: to see cheaply that a body cannot contain the alias. */
const ENCODED_NUMBER = Buffer.from('\x07\0\0\0number\0', 'latin1');

/**
 * Evens out small differences between what MongoDB accepts and what the engine accepts. Returns `body` itself when
 * there is nothing to change, which is the rule.
 */
export function rewriteRequest(command: string, doc: Doc, body: Buffer): Buffer {
  let edited: Doc | undefined;
  const edit = (): Doc => {
    edited ??= decodeExact(body);
    return edited;
  };
  if (SCHEMA_COMMANDS.has(command) && body.includes('$jsonSchema') && body.includes(ENCODED_NUMBER)) {
    expandNumberAlias(edit(), false);
  }
  // Without any condition the engine answers from statistics, which lag behind by a second; MongoDB's count does not.
  // Skipping nothing makes it count the entries of `_id_`: 20 ms for 100,000.
  if (command === 'count' && countsAll(doc)) edit()['skip'] = 0;
  // A hint only steers the planner, and the engine refuses it in this command.
  if ((command === 'findAndModify' || command === 'findandmodify') && doc['hint'] !== undefined) delete edit()['hint'];
  // The simple collation is what the engine does anyway, but it does not know the name.
  if (isSimple(doc['collation'])) delete edit()['collation'];
  if (command === 'createIndexes' && docsOf(doc['indexes']).some((index) => isSimple(index['collation']))) {
    for (const index of docsOf(edit()['indexes'])) {
      if (docOf(index['collation'])['locale'] === 'simple') delete index['collation'];
    }
  }
  return edited === undefined ? body : encode(edited);
}

function countsAll(doc: Doc): boolean {
  return Object.keys(docOf(doc['query'])).length === 0 && doc['skip'] === undefined && doc['limit'] === undefined;
}

function isSimple(collation: unknown): boolean {
  return isDoc(collation) && collation['locale'] === 'simple' && Object.keys(collation).length === 1;
}

/** Replaces the alias, which the engine does not know, in every `bsonType` below a `$jsonSchema`. */
function expandNumberAlias(value: unknown, inSchema: boolean): void {
  mapBsonTypes(value, inSchema, (types) => {
    if (types === 'number') return NUMBER_TYPES;
    if (!Array.isArray(types)) return types;
    return [...new Set(types.flatMap((type: unknown) => (type === 'number' ? NUMBER_TYPES : [type])))];
  });
}

/** Undoes `rewriteRequest` in a listing of collections. */
export function restoreNumberAlias(page: Buffer): Buffer {
  const doc = decodeExact(page);
  mapBsonTypes(doc, false, (types) => {
    if (!Array.isArray(types) || !NUMBER_TYPES.every((type) => types.includes(type))) return types;
    const restored = types
      .map((type: unknown) => (type === 'int' ? 'number' : type))
      .filter((type) => !isNumberType(type));
    return restored.length === 1 ? restored[0] : restored;
  });
  return encode(doc);
}

function isNumberType(type: unknown): boolean {
  return NUMBER_TYPES.some((known) => known === type);
}

function mapBsonTypes(value: unknown, inSchema: boolean, change: (types: unknown) => unknown): void {
  if (Array.isArray(value)) for (const item of value) mapBsonTypes(item, inSchema, change);
  if (!isDoc(value)) return;
  for (const [key, child] of Object.entries(value)) {
    if (inSchema && key === 'bsonType') value[key] = change(child);
    else mapBsonTypes(child, inSchema || key === '$jsonSchema', change);
  }
}

/** More than any result has; the engine keeps a result with a limit as a whole. */
const NO_REAL_LIMIT = 2 ** 31 - 1;

/** The same find or aggregate, such that the engine computes the whole result before it returns the first batch. */
export function asWhole(body: Buffer): Buffer {
  const command = decodeExact(body);
  const { pipeline } = command;
  return encode(
    Array.isArray(pipeline)
      ? { ...command, pipeline: [...pipeline, { $limit: NO_REAL_LIMIT }] }
      : { ...command, limit: NO_REAL_LIMIT },
  );
}

/**
 * A find whose projection only names `$meta` values neither includes nor excludes fields in MongoDB; the engine
 * takes it for an inclusion. Returns the aggregate that does what MongoDB would, `undefined` for any other find.
 */
export function metaProjectionAsAggregate(doc: Doc, body: Buffer): Buffer | undefined {
  const projected = isDoc(doc['projection']) ? Object.values(doc['projection']) : [];
  if (projected.length === 0 || !projected.every((value) => isDoc(value) && '$meta' in value)) return undefined;
  const find = decodeExact(body);
  const limit = Number(doc['limit'] ?? 0);
  const pipeline: Doc[] = [{ $match: find['filter'] ?? {} }];
  if (Object.keys(docOf(doc['sort'])).length > 0) pipeline.push({ $sort: find['sort'] });
  if (Number(doc['skip'] ?? 0) > 0) pipeline.push({ $skip: find['skip'] });
  if (limit !== 0) pipeline.push({ $limit: limit < 0 ? -limit : find['limit'] });
  pipeline.push({ $addFields: find['projection'] });
  const { batchSize, hint, collation, maxTimeMS, lsid, $db } = find;
  const cursor = batchSize === undefined ? {} : { batchSize };
  return encode({ aggregate: find['find'], pipeline, cursor, hint, collation, let: find['let'], maxTimeMS, lsid, $db });
}
