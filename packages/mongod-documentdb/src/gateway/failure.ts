import { BSONError } from 'bson';
import { type Doc, docOf, isDoc } from '../bson.ts';
import { findDuplicateKey } from '../duplicate-key.ts';
import { codeName, RETRYABLE_CODES } from '../error-codes.ts';
import { CommandError, fromState, TRANSIENT } from '../errors.ts';
import { inMongoWords } from '../mongo-wording.ts';
import { PgError } from '../postgres/connection.ts';
import type { Request } from './command.ts';
import { isCreationRace } from './conflicts.ts';
import type { Core } from './core.ts';

/** A collection that came into being after a transaction's snapshot: a newer snapshot will see it. */
const CREATED_MEANWHILE =
  'Caused by :: the collection was created concurrently :: Please retry your operation or multi-document transaction.';

/** Codes after which the transaction as a whole may be run once more. */
const TRANSIENT_CODES: ReadonlySet<number> = new Set([24, 112, 251]);

interface Failure {
  readonly code: number;
  readonly message: string;
  readonly fields: Doc;
  readonly labels?: readonly string[] | undefined;
}

/** The reply to a command that failed. */
export async function describeFailure(error: unknown, request: Request | undefined, core: Core): Promise<Doc> {
  const { code, message, fields, labels } = await translate(error, request, core);
  const errorLabels = labels ?? (request === undefined ? undefined : labelsFor(code, request));
  return {
    ok: 0,
    errmsg: message,
    code,
    codeName: codeName(code),
    ...fields,
    ...(errorLabels === undefined ? {} : { errorLabels }),
  };
}

async function translate(error: unknown, request: Request | undefined, core: Core): Promise<Failure> {
  if (request?.transactional && isCreationRace(error)) return { code: 112, message: CREATED_MEANWHILE, fields: {} };
  if (error instanceof BSONError) return { code: 22, message: `invalid BSON: ${error.message}`, fields: {} };
  if (error instanceof CommandError) return { ...inMongoWords(error), fields: error.fields, labels: error.labels };
  if (!(error instanceof PgError) || request === undefined) {
    return { code: 1, message: error instanceof Error ? error.message : String(error), fields: {} };
  }
  const { code, message } = inMongoWords(fromState(error.state, error.message));
  if (code === 11000) return duplicateKey(error, request, core);
  if (code === 121)
    return {
      code,
      message: 'Document failed validation',
      fields: { errInfo: validationInfo(idIn(request.doc['query'])) },
    };
  return { code, message, fields: {} };
}

/** findAndModify is the one write whose duplicate key is a failure of the whole command. */
async function duplicateKey(error: PgError, request: Request, core: Core): Promise<Failure> {
  const { doc } = request;
  const { errmsg, ...fields } = await findDuplicateKey(core.engine, {
    db: request.db,
    collection: request.collection,
    message: error.message,
    constraint: error.constraint,
    detail: error.detail,
    operation: doc['update'] === undefined ? undefined : { q: docOf(doc['query']), u: doc['update'] },
  });
  return { code: 11000, message: errmsg, fields };
}

/** As much of MongoDB's report of a failed validation as the engine's refusal tells. */
export function validationInfo(failingDocumentId?: unknown): Doc {
  return {
    ...(failingDocumentId === undefined ? {} : { failingDocumentId }),
    details: { operatorName: '$jsonSchema' },
  };
}

/** The _id that a query asks for, if it asks for one. */
export function idIn(query: unknown): unknown {
  const id = docOf(query)['_id'];
  return isDoc(id) ? undefined : id;
}

function labelsFor(code: number, request: Request): readonly string[] | undefined {
  const endsTransaction = request.name === 'commitTransaction' || request.name === 'abortTransaction';
  const retryable = RETRYABLE_CODES.has(code);
  if (request.transactional && (TRANSIENT_CODES.has(code) || (retryable && !endsTransaction))) return TRANSIENT;
  if ((!request.transactional || endsTransaction) && request.doc['txnNumber'] !== undefined && retryable) {
    return ['RetryableWriteError'];
  }
  return undefined;
}
