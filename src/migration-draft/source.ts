import { LINE_WIDTH, literal, oneLine, quoted } from './literal.ts';

/** The modules of migrations/lib, and which of their functions a draft may call. */
const LIBRARY = {
  documents: ['fillIn'],
  shape: ['dropIndexes', 'putCollection', 'putIndexes', 'removeValidator', 'retireCollection'],
  validators: [
    'changeValidator',
    'withoutRequired',
    'withoutValues',
    'withProperties',
    'withRequired',
    'withRules',
    'withValues',
  ],
} as const;

type Helper = (typeof LIBRARY)[keyof typeof LIBRARY][number];
/** Makes the change that `changeValidator` takes. */
type Change = Extract<Helper, `with${string}`>;

/** The parts of a migration's text: statements as they are asked for, and the constants and imports that they need. */
export class Source {
  readonly #constants = new Map<string, string>();
  readonly #used = new Set<Helper>();

  /** `await helper(db, 'collection');`, or with what is said about it as a constant of that name. */
  call(helper: Helper, collection: string, constant?: string, value?: unknown): string {
    this.#used.add(helper);
    const rest = constant === undefined ? [] : [this.#declare(constant, value)];
    return statement(helper, ['db', quoted(collection), ...rest]);
  }

  /** `await changeValidator(db, 'collection', change(…));`, with a constant where the value makes the line too long. */
  change(change: Change, collection: string, constant: string, ...values: readonly [...unknown[], unknown]): string {
    this.#used.add('changeValidator').add(change);
    const others = values.slice(0, -1).map((value) => String(oneLine(value)));
    const line = (value: string): string =>
      statement('changeValidator', ['db', quoted(collection), { callee: change, args: [...others, value] }]);
    return this.#argument(constant, values.at(-1), line);
  }

  /** `await fillIn(db, 'collection', 'path', value);` */
  fillIn(collection: string, path: string, constant: string, value: unknown): string {
    this.#used.add('fillIn');
    const line = (text: string): string => statement('fillIn', ['db', quoted(collection), quoted(path), text]);
    return this.#argument(constant, value, line);
  }

  /** What stands above the functions: imports, then constants. */
  get preamble(): string {
    const imports = Object.entries(LIBRARY).flatMap(([file, helpers]) => {
      const names = helpers.filter((helper) => this.#used.has(helper));
      if (names.length === 0) return [];
      const line = `import { ${names.join(', ')} } from './lib/${file}.js';`;
      if (line.length <= LINE_WIDTH) return [line];
      return [`import {\n${names.map((name) => `  ${name},\n`).join('')}} from './lib/${file}.js';`];
    });
    const constants = [...this.#constants].map(([name, text]) => `\nconst ${name} = ${text};`);
    return [...imports, ...constants].join('\n');
  }

  #argument(constant: string, value: unknown, line: (text: string) => string): string {
    const text = oneLine(value);
    // A list of several stands once, as the way back names it again.
    const short = text !== undefined && !(Array.isArray(value) && value.length > 1);
    const inline = short ? line(text) : undefined;
    return inline !== undefined && !inline.includes('\n') ? inline : line(this.#declare(constant, value));
  }

  /** @returns its name, with a number where another value has that name */
  #declare(wanted: string, value: unknown, number = 1): string {
    const name = number === 1 ? wanted : `${wanted}${number}`;
    const text = literal(value, `const ${name} = ;`.length);
    const known = this.#constants.get(name);
    if (known !== undefined && known !== text) return this.#declare(wanted, value, number + 1);
    this.#constants.set(name, text);
    return name;
  }
}

/** A name or a literal, or a call of something. */
type Code = string | { readonly callee: string; readonly args: readonly Code[] };

const statement = (helper: Helper, args: readonly Code[]): string =>
  `  ${printed({ callee: `await ${helper}`, args }, 2)};`;

/** Code on one line, or, where that is too long, with a line for each argument. A sign follows it. */
function printed(code: Code, indent: number): string {
  const line = onOneLine(code);
  if (typeof code === 'string' || indent + line.length + 1 <= LINE_WIDTH) return line;
  const args = code.args.map((arg) => `${' '.repeat(indent + 2)}${printed(arg, indent + 2)},`);
  return [`${code.callee}(`, ...args, `${' '.repeat(indent)})`].join('\n');
}

const onOneLine = (code: Code): string =>
  typeof code === 'string' ? code : `${code.callee}(${code.args.map(onOneLine).join(', ')})`;

/** Names joined to one: `api_keys`, `expiresAt` → `apiKeysExpiresAt`. */
export function camelCase(...names: readonly string[]): string {
  const words = names.join('_').split(/[^A-Za-z0-9]+/);
  const [first = '', ...others] = words.filter((word) => word !== '');
  const joined = first + others.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(joined) ? joined : `_${joined}`;
}
