import { Long } from 'bson';
import { decode, docOf, docsOf, encode, okReply } from '../bson.ts';
import { CommandError } from '../errors.ts';
import {
  type Attempt,
  type Command,
  engineCommand,
  gatewayCommand,
  queryValue,
  type Request,
} from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';
import { asWhole, metaProjectionAsAggregate } from '../rewrite.ts';
import { explainCommand } from './explain.ts';

export const READ_COMMANDS: Readonly<Record<string, Command>> = {
  find: engineCommand(find, { transactional: true }),
  aggregate: engineCommand(aggregate, { transactional: true }),
  getMore: engineCommand(getMore, { transactional: true }),
  killCursors: gatewayCommand(killCursors, { transactional: true }),
  count: engineCommand((attempt) =>
    queryValue(attempt.engine, 'SELECT document FROM documentdb_api.count_query($1, $2)', [attempt.db, attempt.body]),
  ),
  distinct: engineCommand(
    (attempt) =>
      queryValue(attempt.engine, 'SELECT document FROM documentdb_api.distinct_query($1, $2)', [
        attempt.db,
        attempt.body,
      ]),
    { transactional: true },
  ),
};

const FIRST_PAGE_SQL = {
  find: 'SELECT cursorpage, continuation, persistconnection, cursorid FROM documentdb_api.find_cursor_first_page($1, $2)',
  aggregate:
    'SELECT cursorpage, continuation, persistconnection, cursorid FROM documentdb_api.aggregate_cursor_first_page($1, $2)',
  listCollections:
    'SELECT cursorpage, continuation, persistconnection, cursorid FROM documentdb_api.list_collections_cursor_first_page($1, $2)',
  listIndexes:
    'SELECT cursorpage, continuation, persistconnection, cursorid FROM documentdb_api.list_indexes_cursor_first_page($1, $2)',
} as const;

/** Runs a query and returns its first batch; keeps a cursor when there is more. */
export async function firstPage(
  attempt: Attempt,
  core: Core,
  source: keyof typeof FIRST_PAGE_SQL,
  body: Buffer = attempt.body,
): Promise<Buffer> {
  const rows = await attempt.engine.query(FIRST_PAGE_SQL[source], [attempt.db, body]);
  const [page, continuation, persist, id] = rows[0] ?? [];
  if (!page) throw new Error(`the engine returned no page for ${source}`);
  if (continuation && goesByPlace(continuation)) return firstPage(attempt, core, source, asWhole(body));
  if (continuation && id) {
    const pinned = persist?.[0] === 1 && !attempt.transactional;
    if (pinned) attempt.keepsEngine = true;
    core.cursors.open(id.readBigInt64BE(0).toString(), {
      db: attempt.db,
      collection: attempt.collection,
      engine: pinned ? attempt.engine : null,
      // A copy: the row is a slice of a chunk that holds the whole first page.
      continuation: Buffer.from(continuation),
    });
  }
  return page;
}

/**
 * Whether a cursor would go on behind the place where the last document is stored, which is how the engine reads by an
 * index other than `_id_`. An update gives a document a new place, so that it would be returned twice or not at all.
 */
function goesByPlace(continuation: Buffer): boolean {
  return docsOf(decode(continuation)['continuation']).some((table) => !('pk' in table));
}

function find(attempt: Attempt, core: Core): Promise<Buffer> {
  const aggregate = metaProjectionAsAggregate(attempt.doc, attempt.body);
  return aggregate === undefined ? firstPage(attempt, core, 'find') : firstPage(attempt, core, 'aggregate', aggregate);
}

async function aggregate(attempt: Attempt, core: Core): Promise<Buffer> {
  const { pipeline, explain, ...rest } = attempt.doc;
  if (Array.isArray(pipeline) && '$changeStream' in docOf(pipeline[0])) {
    throw new CommandError(40573, 'The $changeStream stage is not supported: this server has no change streams');
  }
  if (explain === true) return explainCommand(attempt, core, { ...rest, pipeline }, 'queryPlanner');
  if (rest['cursor'] === undefined) {
    throw new CommandError(9, "The 'cursor' option is required, except for aggregate with the explain argument");
  }
  return firstPage(attempt, core, 'aggregate');
}

async function getMore(attempt: Attempt, core: Core): Promise<Buffer> {
  const id = cursorIdOf(attempt.doc['getMore'], 'getMore.getMore');
  const cursor = core.cursors.find(id);
  if (cursor === undefined) throw new CommandError(43, `cursor id ${id} not found`);
  if (cursor.busy) throw new CommandError(12051, `cursor id ${id} is already in use`);
  if (cursor.isOrphan) {
    core.cursors.drop(id);
    throw new CommandError(175, `the collection of cursor id ${id} was dropped or renamed`);
  }
  cursor.busy = true;
  cursor.usedAt = Date.now();
  try {
    const rows = await (cursor.engine ?? attempt.engine).query(
      'SELECT cursorpage, continuation FROM documentdb_api.cursor_get_more($1, $2, $3)',
      [cursor.db, attempt.body, cursor.continuation],
    );
    const [page, continuation] = rows[0] ?? [];
    if (!page) throw new Error('the engine returned no page for getMore');
    if (continuation) cursor.continuation = Buffer.from(continuation);
    else {
      core.cursors.finish(id);
      if (cursor.engine !== null) core.engine.requests.release(cursor.engine);
    }
    return page;
  } catch (error) {
    core.cursors.drop(id);
    throw error;
  } finally {
    cursor.busy = false;
  }
}

async function killCursors(request: Request, core: Core): Promise<Buffer> {
  const { cursors } = request.doc;
  if (!Array.isArray(cursors)) throw new CommandError(14, "BSON field 'killCursors.cursors' must be an array");
  const asked = cursors.map((id) => cursorIdOf(id, 'killCursors.cursors'));
  const killed = asked.filter((id) => core.cursors.drop(id));
  if (killed.length > 0) {
    await core.engine.query('SELECT documentdb_api_internal.delete_cursors($1::text::bigint[])', [
      `{${killed.join()}}`,
    ]);
  }
  const longs = (ids: readonly string[]): Long[] => ids.map((id) => Long.fromString(id));
  return okReply({
    cursorsKilled: longs(killed),
    cursorsNotFound: longs(asked.filter((id) => !killed.includes(id))),
    cursorsAlive: [],
    cursorsUnknown: [],
  });
}

function cursorIdOf(value: unknown, field: string): string {
  if (typeof value === 'number' || value instanceof Long) return String(value);
  throw new CommandError(14, `BSON field '${field}' is the wrong type, expected type 'long'`);
}

/** A listing without a `cursor` field, which MongoDB takes and the engine does not. */
export function withCursor(request: Request): Buffer {
  return request.doc['cursor'] === undefined ? encode({ ...request.doc, cursor: {} }) : request.body;
}
