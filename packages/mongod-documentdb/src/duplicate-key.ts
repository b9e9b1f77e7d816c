import { EJSON } from 'bson';
import { type Doc, decode, docOf, docsOf, encode, isDoc } from './bson.ts';
import { keyText } from './key-text.ts';
import type { PgConnection } from './postgres/connection.ts';

/** Where the catalog and the data are looked up. */
type Lookup = Pick<PgConnection, 'query'>;

/** The write that met the duplicate: the document to insert, or the query and update of an update. */
export interface WriteOperation {
  readonly document?: Doc;
  readonly q?: Doc;
  readonly u?: unknown;
}

interface DuplicateKeySource {
  readonly db: string;
  readonly collection: string;
  readonly message: string;
  readonly constraint?: string | undefined;
  readonly detail?: string | undefined;
  readonly operation?: WriteOperation | undefined;
}

/** The fields of MongoDB's duplicate key error, as far as they can be found out. */
export interface DuplicateKey extends Doc {
  errmsg: string;
  keyPattern?: Doc;
  keyValue?: Doc;
}

/** Turns the engine's unique violation into MongoDB's E11000. Never fails: the plain message will do if a look-up does. */
export async function findDuplicateKey(lookup: Lookup, source: DuplicateKeySource): Promise<DuplicateKey> {
  let index: string | undefined;
  let keyPattern: Doc | undefined;
  let keyValue: Doc | undefined;
  try {
    index = await indexName(lookup, source);
    keyPattern = index === undefined ? undefined : await patternOf(lookup, source, index);
    if (keyPattern !== undefined && source.operation !== undefined) {
      keyValue = await valuesOf(lookup, source, source.operation, keyPattern);
    }
  } catch {
    // The write has failed already; what is missing here is only its description.
  }
  return duplicateKey('E11000 duplicate key error', source, index, keyPattern, keyValue);
}

function duplicateKey(
  start: string,
  source: Pick<DuplicateKeySource, 'db' | 'collection'>,
  index: string | undefined,
  keyPattern: Doc | undefined,
  keyValue: Doc | undefined,
): DuplicateKey {
  const where = `${start} collection: ${source.db}.${source.collection} index: ${index ?? '?'}`;
  return {
    errmsg: keyValue === undefined ? where : `${where} dup key: ${keyText(keyValue)}`,
    ...(keyPattern === undefined ? {} : { keyPattern }),
    ...(keyValue === undefined ? {} : { keyValue }),
  };
}

/** The index is named in the message, or by its number in the name of the constraint. */
async function indexName(lookup: Lookup, source: DuplicateKeySource): Promise<string | undefined> {
  const named = /Index '([^']*)'/.exec(source.message)?.[1];
  if (named !== undefined) return named;
  const constraint = source.constraint ?? /constraint "([^"]+)"/.exec(source.message)?.[1] ?? '';
  if (/^(collection_pk_|_id_)/.test(constraint)) return '_id_';
  const number = /^documents_rum_index_(\d+)$/.exec(constraint)?.[1];
  if (number === undefined) return undefined;
  const rows = await lookup.query(
    'SELECT (index_spec).index_name::text FROM documentdb_api_catalog.collection_indexes WHERE index_id = $1::text::int',
    [number],
  );
  return rows[0]?.[0]?.toString();
}

async function patternOf(lookup: Lookup, source: DuplicateKeySource, index: string): Promise<Doc | undefined> {
  if (index === '_id_') return { _id: 1 };
  const command = { listIndexes: source.collection, cursor: {} };
  const indexes = await firstBatch(lookup, 'list_indexes_cursor_first_page', source.db, command);
  const key = indexes.find((spec) => spec['name'] === index)?.['key'];
  return isDoc(key) ? key : undefined;
}

async function valuesOf(
  lookup: Lookup,
  source: DuplicateKeySource,
  operation: WriteOperation,
  pattern: Doc,
): Promise<Doc> {
  const reported = valuesInDetail(source.detail);
  const current = once(() => documentBefore(lookup, source, operation));
  const values: Doc = {};
  for (const path of Object.keys(pattern)) {
    values[path] = (await valueAt(path, reported, operation, current)) ?? null;
  }
  return values;
}

/** What the write would have stored at `path`. */
async function valueAt(
  path: string,
  reported: Doc,
  operation: WriteOperation,
  current: () => Promise<Doc>,
): Promise<unknown> {
  if (path in reported) {
    const value = reported[path];
    return Array.isArray(value) && value.length === 1 ? value[0] : value;
  }
  if (operation.document !== undefined) return valueIn(operation.document, path);
  const update = docOf(operation.u);
  const assigned = assignedValue(update, path);
  if (assigned !== undefined) return assigned;
  const before = valueIn(await current(), path);
  const increment = docOf(update['$inc'])[path];
  return typeof increment === 'number' && typeof before === 'number' ? before + increment : before;
}

/** The value that an update assigns to `path` whatever was there; a pipeline's cannot be told without running it. */
function assignedValue(update: Doc, path: string): unknown {
  for (const operator of ['$set', '$setOnInsert', '$max', '$min']) {
    const fields = docOf(update[operator]);
    const value = path in fields ? fields[path] : valueIn(fields, path);
    if (value !== undefined) return value;
  }
  const isReplacement = !Object.keys(update).some((key) => key.startsWith('$'));
  return isReplacement ? valueIn(update, path) : undefined;
}

/** Violations of findAndModify carry the new values in the DETAIL, as extended JSON. */
function valuesInDetail(detail: string | undefined): Doc {
  const json = /, (\{ "\$shard_key_value".*?\})\) conflicts with existing key/s.exec(detail ?? '')?.[1];
  if (json === undefined) return {};
  try {
    const values: unknown = EJSON.parse(json, { relaxed: true });
    return docOf(values);
  } catch {
    return {}; // cut short by the engine
  }
}

/** The document that the update was about to change; the query itself when it would have been an upsert. */
async function documentBefore(lookup: Lookup, source: DuplicateKeySource, operation: WriteOperation): Promise<Doc> {
  const filter = operation.q ?? {};
  const command = { find: source.collection, filter, limit: 1, singleBatch: true };
  const [found] = await firstBatch(lookup, 'find_cursor_first_page', source.db, command);
  return found ?? filter;
}

/** The value at a dotted path; in an array, that of the first document that has it. */
function valueIn(doc: Doc, path: string): unknown {
  let value: unknown = doc;
  for (const key of path.split('.')) {
    if (Array.isArray(value) && !/^\d+$/.test(key)) value = docsOf(value).find((item) => key in item);
    if (value === null || typeof value !== 'object') return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** An index that createIndexes was asked for. */
interface IndexSpec extends Doc {
  key: Doc;
  name: string;
}

/** A unique index over data that is not unique: names the index and one of the values that occur twice. */
export async function findBuildConflict(
  lookup: Lookup,
  source: Pick<DuplicateKeySource, 'db' | 'collection'>,
  specs: readonly Doc[],
): Promise<DuplicateKey> {
  const start = 'Index build failed: E11000 duplicate key error';
  for (const spec of specs.filter(isUniqueIndex)) {
    try {
      const paths = Object.keys(spec.key);
      const command = { aggregate: source.collection, cursor: {}, pipeline: repeatedValue(spec, paths) };
      const [hit] = await firstBatch(lookup, 'aggregate_cursor_first_page', source.db, command);
      if (hit === undefined || !Array.isArray(hit['_id'])) continue;
      const values: unknown[] = hit['_id'];
      const keyValue = Object.fromEntries(paths.map((path, i) => [path, values[i] ?? null]));
      return duplicateKey(start, source, spec.name, spec.key, keyValue);
    } catch {
      // The build has failed already; what is missing here is only its description.
    }
  }
  return duplicateKey(start, source, undefined, undefined, undefined);
}

function isUniqueIndex(spec: Doc): spec is IndexSpec {
  return spec['unique'] === true && isDoc(spec['key']) && typeof spec['name'] === 'string';
}

function repeatedValue(spec: IndexSpec, paths: readonly string[]): Doc[] {
  const partial = spec['partialFilterExpression'];
  return [
    ...(partial === undefined ? [] : [{ $match: partial }]),
    { $group: { _id: paths.map((path) => ({ $ifNull: [`$${path}`, null] })), n: { $sum: 1 } } },
    { $match: { n: { $gt: 1 } } },
    { $limit: 1 },
  ];
}

async function firstBatch(
  lookup: Lookup,
  source: 'find_cursor_first_page' | 'aggregate_cursor_first_page' | 'list_indexes_cursor_first_page',
  db: string,
  command: Doc,
): Promise<Doc[]> {
  const rows = await lookup.query(`SELECT cursorpage FROM documentdb_api.${source}($1, $2)`, [db, encode(command)]);
  const page = rows[0]?.[0];
  return page ? docsOf(docOf(decode(page)['cursor'])['firstBatch']) : [];
}

function once<T>(get: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= get();
    return result;
  };
}
