import mongoose, { type ClientSession, type Model, type Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError, type InputProblem } from '../errors.ts';

/** A document of a domain collection, as stored and read lean: its own fields, and what every one of them has. */
export interface StoredDocument {
  readonly _id: Types.ObjectId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Moves with each change, also of what a reader is not shown; the ETag is made of it. */
  readonly revision: number;
  readonly deletedAt?: Date;
  readonly purgeAt?: Date;
  readonly [path: string]: unknown;
}

export type DocumentModel = Model<StoredDocument>;

/** What the database is asked for, in the words of the driver. */
export type Filter = Readonly<Record<string, unknown>>;

/** The model of that name, whatever its documents are. @throws MissingSchemaError */
export const documentModel = (modelName: string): DocumentModel => mongoose.model<StoredDocument>(modelName);

/** What a path holds where nobody says: a value that the model names, and none that it makes anew each time. */
export function defaultOf({ schema }: Pick<DocumentModel, 'schema'>, path: string): unknown {
  const value: unknown = schema.path(path)?.options['default'];
  return typeof value === 'function' ? undefined : value;
}

export const and = (...filters: readonly Filter[]): Filter => {
  const given = filters.filter((filter) => Object.keys(filter).length > 0);
  return given.length < 2 ? (given[0] ?? {}) : { $and: given };
};

/** What no document is like. */
export const NONE: Filter = { _id: { $in: [] } };

/** The driver is asked itself: mongoose would take a fifth more CPU. */
export function findDocument(
  model: DocumentModel,
  filter: Filter,
  { projection, tx }: { readonly projection?: Filter; readonly tx?: ClientSession } = {},
): Promise<StoredDocument | null> {
  const options = { ...(projection && { projection }), ...(tx && { session: tx }) };
  return model.collection.findOne(filter as never, options) as Promise<StoredDocument | null>;
}

/**
 * What was wrong with a document, in the words of the wire: what its model refuses is `validation-failed` at its path,
 * and a value that an index keeps unique is `value-taken`. Anything else is thrown on.
 */
export function asInputProblem(model: DocumentModel, error: unknown): unknown {
  if (error instanceof mongoose.Error.ValidationError)
    return new AppError('validation-failed', { errors: Object.values(error.errors).map(problemOf), cause: error });
  if (error instanceof mongoose.Error.CastError)
    return new AppError('validation-failed', { errors: [problemOf(error)], cause: error });
  if (!isDuplicateKey(error)) return error;
  const errors = uniquePaths(model, String((error as Error).message)).map((path) => ({
    pointer: `/${path}`,
    code: 'taken',
    detail: 'is taken: another one has this value',
  }));
  return new AppError('value-taken', { errors, cause: error });
}

/** The words of the wire for what mongoose calls otherwise. */
const PROBLEM_CODES: Readonly<Record<string, string>> = Object.freeze({
  'user defined': 'not-allowed',
  enum: 'not-allowed',
  minlength: 'too-short',
  maxlength: 'too-long',
  min: 'out-of-range',
  max: 'out-of-range',
  regexp: 'invalid-format',
});

function problemOf(error: mongoose.Error.ValidatorError | mongoose.Error.CastError): InputProblem {
  const pointer = `/${error.path.replaceAll('.', '/')}`;
  if (error instanceof mongoose.Error.CastError)
    return { pointer, code: 'invalid-type', detail: `is not of the type ${error.kind}` };
  return { pointer, code: PROBLEM_CODES[error.kind] ?? error.kind, detail: error.message };
}

/** The paths of the unique index that the server names; those that name whose it is are not what is taken. */
function uniquePaths(model: DocumentModel, message: string): string[] {
  const named = model.schema
    .indexes()
    .filter(([, { unique, name }]) => unique && message.includes(String(name)))
    // A name may begin with that of another one.
    .sort(([, one], [, other]) => String(other.name).length - String(one.name).length);
  const paths = Object.keys(named[0]?.[0] ?? {});
  const values = paths.filter((path) => model.schema.path(path)?.options['ref'] === undefined);
  return values.length > 0 ? values : paths;
}
