import type { CodedMessage } from './errors.ts';

interface Rule {
  /** The code that the engine's error has. */
  readonly code: number;
  readonly engine: RegExp;
  readonly mongo: (match: RegExpExecArray) => Partial<CodedMessage>;
}

/**
 * Errors that MongoDB knows more exactly than the engine, and texts that applications and test suites match on,
 * although codes are the better choice.
 */
const RULES: readonly Rule[] = [
  { code: 2, engine: /^Size \d+ is larger than MaxDocumentSize/, mongo: () => ({ code: 10334 }) },
  { code: 2, engine: /^The '_id' field value must not be a type of/, mongo: () => ({ code: 53 }) },
  { code: 2, engine: /^BatchSize value must be non-negative/, mongo: () => ({ code: 51024 }) },
  { code: 2, engine: /^\S+ is an unknown field/, mongo: () => ({ code: 40415 }) },
  {
    code: 40324,
    engine: /Pipeline stage name not recognized: (\S+)/,
    mongo: (match) => ({ message: `Unrecognized pipeline stage name: '${match[1]}'` }),
  },
  {
    code: 26,
    engine: /Namespace does not currently exist: (.*)/,
    mongo: (match) => ({ message: `ns does not exist: ${match[1]}` }),
  },
  {
    code: 48,
    engine: /Collection (\S+) already exists/i,
    mongo: (match) => ({ message: `Collection ${match[1]} already exists.` }),
  },
  {
    code: 66,
    engine: /Updating the path '_id' is not allowed because it would change the immutable field '_id'/,
    mongo: () => ({ message: "Performing an update on the path '_id' would modify the immutable field '_id'" }),
  },
];

/** Puts an error of the engine's into MongoDB's words; leaves it as it is where nobody is known to look. */
export function inMongoWords({ code, message }: CodedMessage): CodedMessage {
  for (const rule of RULES) {
    const match = rule.code === code ? rule.engine.exec(message) : null;
    if (match !== null) return { code, message, ...rule.mongo(match) };
  }
  return { code, message };
}
