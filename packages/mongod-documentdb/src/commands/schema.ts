import { type Doc, decode, decodeExact, docOf, docsOf, encode, okReply } from '../bson.ts';
import { findBuildConflict } from '../duplicate-key.ts';
import { CommandError, fromReported, fromState } from '../errors.ts';
import { type Attempt, type Command, engineCommand, queryValue } from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';
import { PgError } from '../postgres/connection.ts';
import { restoreNumberAlias } from '../rewrite.ts';
import { firstPage, withCursor } from './reads.ts';

const WRITES = { writes: true } as const;
const WRITES_IN_TRANSACTION = { writes: true, transactional: true } as const;
const dropIndexesCommand = engineCommand(dropIndexes, WRITES);

/** Collections and indexes: made, changed, listed, dropped. */
export const SCHEMA_COMMANDS: Readonly<Record<string, Command>> = {
  create: engineCommand(
    (attempt) =>
      queryValue(attempt.engine, 'SELECT documentdb_api.create_collection_view($1, $2)', [attempt.db, attempt.body]),
    WRITES_IN_TRANSACTION,
  ),
  collMod: engineCommand(
    (attempt) =>
      queryValue(attempt.engine, 'SELECT documentdb_api.coll_mod($1, $2, $3)', [
        attempt.db,
        attempt.collection,
        attempt.body,
      ]),
    WRITES,
  ),
  drop: engineCommand(drop, WRITES),
  dropDatabase: engineCommand(dropDatabase, WRITES),
  renameCollection: engineCommand(renameCollection, { writes: true, adminOnly: true }),
  createIndexes: engineCommand(createIndexes, WRITES_IN_TRANSACTION),
  dropIndexes: dropIndexesCommand,
  deleteIndexes: dropIndexesCommand,
  listCollections: engineCommand(listCollections),
  listIndexes: engineCommand(listIndexes),
};

async function drop(attempt: Attempt, core: Core): Promise<Buffer> {
  const { db, collection } = attempt;
  const dropped = await queryValue(attempt.engine, 'SELECT documentdb_api.drop_collection($1, $2)', [db, collection]);
  core.cursors.orphan(db, collection);
  return dropped[0] === 1 ? okReply({ nIndexesWas: 1, ns: `${db}.${collection}` }) : okReply();
}

async function dropDatabase(attempt: Attempt, core: Core): Promise<Buffer> {
  await attempt.engine.query('SELECT documentdb_api.drop_database($1)', [attempt.db]);
  core.cursors.orphan(attempt.db);
  return okReply({ dropped: attempt.db });
}

async function renameCollection(attempt: Attempt, core: Core): Promise<Buffer> {
  const from = splitNamespace(attempt.doc['renameCollection']);
  const to = splitNamespace(attempt.doc['to']);
  if (from.db !== to.db) throw new CommandError(115, 'renameCollection across databases is not supported');
  await attempt.engine.query('SELECT documentdb_api.rename_collection($1::text, $2::text, $3::text, $4::text::bool)', [
    from.db,
    from.collection,
    to.collection,
    attempt.doc['dropTarget'] === true ? 'true' : 'false',
  ]);
  core.cursors.orphan(from.db, from.collection);
  core.cursors.orphan(to.db, to.collection);
  return okReply();
}

function splitNamespace(value: unknown): { db: string; collection: string } {
  const namespace = String(value);
  const dot = namespace.indexOf('.');
  if (dot < 1) throw new CommandError(73, `Invalid namespace specified: ${namespace}`);
  return { db: namespace.slice(0, dot), collection: namespace.slice(dot + 1) };
}

async function createIndexes(attempt: Attempt, core: Core): Promise<Buffer> {
  const sql = 'SELECT documentdb_api_internal.create_indexes_non_concurrently($1, $2, true)';
  try {
    const reply = decode(await queryValue(attempt.engine, sql, [attempt.db, attempt.body]));
    // The engine answers for each shard; there is one.
    const [shard] = Object.values(docOf(reply['raw']));
    if (shard === undefined) return encode(reply);
    throwReported(docOf(shard));
    return okReply(docOf(shard));
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    const { errmsg, ...fields } = await describeConflict(attempt, core);
    throw new CommandError(11000, errmsg, { fields });
  }
}

/** Inside a transaction the connection is useless after the error. */
function describeConflict(attempt: Attempt, core: Core): ReturnType<typeof findBuildConflict> {
  const lookup = attempt.transactional ? core.engine : attempt.engine;
  return findBuildConflict(lookup, attempt, docsOf(attempt.doc['indexes']));
}

function isDuplicate(error: unknown): boolean {
  if (error instanceof CommandError) return error.code === 11000;
  return error instanceof PgError && fromState(error.state, error.message).code === 11000;
}

async function dropIndexes(attempt: Attempt): Promise<Buffer> {
  const sql = 'CALL documentdb_api.drop_indexes($1, $2, NULL)';
  const reply = decode(await queryValue(attempt.engine, sql, [attempt.db, attempt.body]));
  throwReported(reply);
  return okReply({ nIndexesWas: reply['nIndexesWas'] });
}

/** Throws the error that an index command's result reports, if it reports one. */
function throwReported(result: Doc): void {
  if (result['ok'] === 1 || result['ok'] === true || result['code'] === undefined) return;
  const { code, message } = fromReported(Number(result['code']), String(result['errmsg'] ?? ''));
  throw new CommandError(code, message);
}

/** Validators read as they were given, so that whoever compares them with their source finds no difference. */
async function listCollections(attempt: Attempt, core: Core): Promise<Buffer> {
  const page = await firstPage(attempt, core, 'listCollections', withCursor(attempt));
  return page.includes('$jsonSchema') ? restoreNumberAlias(page) : page;
}

async function listIndexes(attempt: Attempt, core: Core): Promise<Buffer> {
  const page = decodeExact(await firstPage(attempt, core, 'listIndexes', withCursor(attempt)));
  // The engine's own note, which MongoDB does not have and which would make equal indexes look different.
  for (const index of docsOf(docOf(page['cursor'])['firstBatch'])) delete index['storageEngine'];
  return encode(page);
}
