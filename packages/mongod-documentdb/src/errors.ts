import type { Doc } from './bson.ts';
import { codeOfEngineState, isPackedState, unpackState } from './error-codes.ts';

/** What tells a driver that the whole transaction may be run once more. */
export const TRANSIENT = ['TransientTransactionError'] as const;

const WRITE_CONFLICT =
  'Caused by :: Write conflict during plan execution and yielding is disabled. :: Please retry your operation or multi-document transaction.';

interface CommandErrorOptions {
  /** Fields of the reply besides `ok`, `errmsg`, `code` and `codeName`. */
  readonly fields?: Doc;
  /** Error labels that stand as they are: none are added or taken away. */
  readonly labels?: readonly string[];
}

/** A command that failed in MongoDB's terms. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: number;
  readonly fields: Doc;
  readonly labels: readonly string[] | undefined;

  constructor(code: number, message: string, options: CommandErrorOptions = {}) {
    super(message);
    this.code = code;
    this.fields = options.fields ?? {};
    this.labels = options.labels;
  }
}

/** A code of MongoDB's and the text that goes with it. */
export interface CodedMessage {
  readonly code: number;
  readonly message: string;
}

/** Translates an SQLSTATE: the engine's own, or PostgreSQL's. */
export function fromState(state: string, message: string): CodedMessage {
  const code = codeOfEngineState(state);
  return code === undefined ? fromPostgres(state, message) : { code, message };
}

function fromPostgres(state: string, message: string): CodedMessage {
  switch (state) {
    case '23505':
    case '23P01':
      return { code: 11000, message };
    case '40001':
    case '40P01':
    case '55P03':
      return { code: 112, message: WRITE_CONFLICT };
    case '57014':
      return { code: 50, message: 'operation exceeded time limit' };
    case '25P02':
      return { code: 251, message: 'Transaction has been aborted.' };
    case '42P01':
      return { code: 26, message };
    case '0A000':
      return { code: 115, message };
    case '22P02':
    case '22023':
    case '22016':
      return { code: 2, message };
    case '53100':
      return { code: 14031, message: 'the disk is full' };
    case '54000':
      return message.includes('index row size')
        ? { code: 67, message: 'Index key is too large' }
        : { code: 1, message };
    case '57P01':
    case '57P02':
    case '57P03':
    case '08006':
      return { code: 91, message: `the database engine is not available: ${message}` };
    default:
      return message.includes('tuple concurrently') ? { code: 112, message: WRITE_CONFLICT } : { code: 1, message };
  }
}

/** Translates the code of a write error or an index error: MongoDB's own already, or a packed SQLSTATE. */
export function fromReported(code: number, message: string): CodedMessage {
  return isPackedState(code) ? fromState(unpackState(code), message) : { code, message };
}
