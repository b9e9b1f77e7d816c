interface TextRule {
  readonly code: number;
  readonly engine: RegExp;
  readonly mongo: (match: RegExpExecArray) => string;
}

/** Texts that applications and test suites match on, although codes are the better choice. */
const RULES: readonly TextRule[] = [
  {
    code: 40324,
    engine: /Pipeline stage name not recognized: (\S+)/,
    mongo: (match) => `Unrecognized pipeline stage name: '${match[1]}'`,
  },
  { code: 26, engine: /Namespace does not currently exist: (.*)/, mongo: (match) => `ns does not exist: ${match[1]}` },
  { code: 48, engine: /Collection (\S+) already exists/i, mongo: (match) => `Collection ${match[1]} already exists.` },
  {
    code: 66,
    engine: /Updating the path '_id' is not allowed because it would change the immutable field '_id'/,
    mongo: () => "Performing an update on the path '_id' would modify the immutable field '_id'",
  },
];

/** MongoDB's wording of an engine error; the engine's own where nobody is known to look. */
export function mongoText(code: number, message: string): string {
  for (const rule of RULES) {
    const match = rule.code === code ? rule.engine.exec(message) : null;
    if (match !== null) return rule.mongo(match);
  }
  return message;
}
