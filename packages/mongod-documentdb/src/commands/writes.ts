import { type Doc, decode, docOf, docsOf, encode, isDoc } from '../bson.ts';
import { findDuplicateKey, type WriteOperation } from '../duplicate-key.ts';
import { CommandError, fromReported } from '../errors.ts';
import { type Attempt, type Command, engineCommand, LostRace, queryValue, Unfinished } from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';
import { idIn, validationInfo } from '../gateway/failure.ts';
import { inMongoWords } from '../mongo-wording.ts';
import { PgError } from '../postgres/connection.ts';
import { decodeOperation, isolationOf, operationsOf, restOf, turnOf } from './operations.ts';

/** Retries of an upsert that lost a race; a duplicate key that is none of the race's making shows up again each time. */
const UPDATE_RACES = 8;
const FIND_AND_MODIFY_RACES = 3;

type WriteName = 'insert' | 'update' | 'delete';

const TRAITS = { transactional: true, writes: true, retryable: true } as const;
const findAndModifyCommand = engineCommand(findAndModify, {
  ...TRAITS,
  isolation: (request) => ({ snapshot: true, turn: turnOf(request, request.doc['query']) }),
});

export const WRITE_COMMANDS: Readonly<Record<string, Command>> = {
  insert: engineCommand((attempt, core) => write(attempt, core, 'insert'), {
    ...TRAITS,
    isolation: () => ({ snapshot: true }),
  }),
  update: engineCommand((attempt, core) => write(attempt, core, 'update'), { ...TRAITS, isolation: isolationOf }),
  delete: engineCommand((attempt, core) => write(attempt, core, 'delete'), { ...TRAITS, isolation: isolationOf }),
  findAndModify: findAndModifyCommand,
  findandmodify: findAndModifyCommand,
};

const WRITE_SQL: Readonly<Record<WriteName, string>> = {
  insert: 'SELECT p_result, p_success FROM documentdb_api.insert($1, $2, $3, NULL)',
  update: 'SELECT p_result, p_success FROM documentdb_api.update($1, $2, $3, NULL)',
  delete: 'SELECT p_result, p_success FROM documentdb_api.delete($1, $2, $3, NULL)',
};

async function write(attempt: Attempt, core: Core, name: WriteName): Promise<Buffer> {
  const rows = await attempt.engine.query(WRITE_SQL[name], [attempt.db, attempt.body, attempt.sequence]);
  const [result, success] = rows[0] ?? [];
  if (!result || !success) throw new Error(`the engine gave no result for ${name}`);
  if (success[0] === 1) return result;
  const reply = decode(result);
  const errors = docsOf(reply['writeErrors']).map(inMongoTerms);
  const conflicts = errors.filter(isConflict);
  reply['writeErrors'] = errors.filter((error) => !isConflict(error));
  const operations = operationsOf(attempt);
  for (const error of docsOf(reply['writeErrors'])) {
    await describeWriteError(error, decodeOperation(operations[Number(error['index'] ?? 0)]), attempt, core);
  }
  const [conflict] = conflicts;
  if (conflict !== undefined) throw notDone(attempt, reply, conflicts, String(conflict['errmsg']));
  if (attempt.transactional) attempt.endsTransaction = errors.length > 0;
  else if (name === 'update' && lostUpsertRace(operations, errors))
    throw new LostRace(UPDATE_RACES, () => encode(reply));
  return encode(reply);
}

function inMongoTerms(error: Doc): Doc {
  const { code, message } = inMongoWords(fromReported(Number(error['code']), String(error['errmsg'] ?? '')));
  return { ...error, code, errmsg: message };
}

const isConflict = (error: Doc): boolean => error['code'] === 112;

/**
 * A write conflict is never an error of a single write. It ends a transaction; outside of one, what was done stands,
 * and doing the whole batch again would do that twice.
 */
function notDone(attempt: Attempt, done: Doc, conflicts: readonly Doc[], message: string): Error {
  const indexes = conflicts.map((conflict) => Number(conflict['index']));
  const rest = attempt.transactional ? undefined : restOf(attempt, indexes);
  if (rest === undefined) return new CommandError(112, message);
  return new Unfinished(rest.request, (reply) => encode(rest.join(done, decode(reply))));
}

/** Adds to a write error what MongoDB tells besides its code. */
async function describeWriteError(error: Doc, given: Doc, attempt: Attempt, core: Core): Promise<void> {
  const { code, errmsg } = error;
  if (code !== 11000 && code !== 121) return;
  const operation: WriteOperation = attempt.name === 'insert' ? { document: given } : given;
  if (code === 121) {
    error['errmsg'] = 'Document failed validation';
    error['errInfo'] ??= validationInfo(operation.document?.['_id'] ?? idIn(operation.q));
    return;
  }
  // Inside a transaction the connection may be useless by now; outside, a second one could wait for ever on a pool
  // that is full of writes in this very place.
  const lookup = attempt.transactional ? core.engine : attempt.engine;
  const { db, collection } = attempt;
  Object.assign(error, await findDuplicateKey(lookup, { db, collection, message: String(errmsg), operation }));
}

/** Whether the only update of a command was an upsert whose own query names the key that another upsert just made. */
function lostUpsertRace(operations: readonly unknown[], errors: readonly Doc[]): boolean {
  const [error] = errors;
  const keyValue = error?.['keyValue'];
  if (error?.['code'] !== 11000 || !isDoc(keyValue) || operations.length !== 1) return false;
  const operation = decodeOperation(operations[0]);
  const query = docOf(operation['q']);
  return (
    operation['upsert'] === true &&
    operation['multi'] !== true &&
    Object.entries(keyValue).every(([path, value]) => asksFor(query[path], value))
  );
}

function asksFor(condition: unknown, value: unknown): boolean {
  if (condition === undefined) return false;
  const asked = isDoc(condition) && '$eq' in condition ? condition['$eq'] : condition;
  return asked === value || String(asked) === String(value);
}

async function findAndModify(attempt: Attempt): Promise<Buffer> {
  const sql = 'SELECT p_result FROM documentdb_api.find_and_modify($1, $2, NULL)';
  try {
    return await queryValue(attempt.engine, sql, [attempt.db, attempt.body]);
  } catch (error) {
    const duplicate = error instanceof PgError && (error.state === '23505' || error.state === '23P01');
    if (!duplicate || attempt.doc['upsert'] !== true || attempt.transactional) throw error;
    throw new LostRace(FIND_AND_MODIFY_RACES, () => {
      throw error;
    });
  }
}
