/** As the project's formatter has it (biome.json): a draft is not formatted again. */
export const LINE_WIDTH = 120;

/** Why a draft cannot be written, in a sentence that says what to do; shown as it stands. */
export class DraftError extends Error {
  override readonly name = 'DraftError';
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/**
 * A value as JavaScript, over as many lines as it needs.
 * @param used columns of its first line that are taken: what stands before it, and the sign that follows it
 * @param indent columns before the line that it begins on
 * @throws {DraftError} when it is neither JSON nor undefined
 */
export function literal(value: unknown, used: number, indent = 0): string {
  const line = oneLine(value);
  if (line !== undefined && used + line.length <= LINE_WIDTH) return line;
  const inner = indent + 2;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === 'number')) return block('[', filled(value.map(text), inner), ']', indent);
    return block(
      '[',
      value.map((item) => `${literal(item, inner + 1, inner)},`),
      ']',
      indent,
    );
  }
  if (!isObject(value)) return text(value);
  const entries = Object.entries(value).map(([name, child]) => {
    const key = `${keyText(name)}: `;
    return `${key}${literal(child, inner + key.length + 1, inner)},`;
  });
  return block('{', entries, '}', indent);
}

const block = (open: string, lines: readonly string[], close: string, indent: number): string =>
  [open, ...lines.map((line) => `${' '.repeat(indent + 2)}${line}`), `${' '.repeat(indent)}${close}`].join('\n');

/** A value on one line; undefined where the formatter always breaks it. */
export function oneLine(value: unknown): string | undefined {
  if (!Array.isArray(value) && !isObject(value)) return text(value);
  if (Array.isArray(value)) {
    const items = value.map(oneLine);
    return isTable(value) || items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
  }
  const entries = Object.entries(value).map(([name, child]) => [keyText(name), oneLine(child)] as const);
  if (entries.some(([, child]) => child === undefined)) return undefined;
  return entries.length === 0 ? '{}' : `{ ${entries.map(([name, child]) => `${name}: ${child}`).join(', ')} }`;
}

/** Several objects, or several lists, of more than one entry each. */
function isTable(items: readonly unknown[]): boolean {
  const sizes = [
    items.map((item) => (Array.isArray(item) ? item.length : 0)),
    items.map((item) => (isObject(item) ? Object.keys(item).length : 0)),
  ];
  return items.length > 1 && sizes.some((each) => each.every((size) => size > 1));
}

/** Numbers stand as many on a line as fit. */
function filled(numbers: readonly string[], indent: number): string[] {
  const lines: string[] = [];
  for (const number of numbers) {
    const line = lines.at(-1);
    const longer = `${line}, ${number}`;
    if (line === undefined || indent + longer.length + 1 > LINE_WIDTH) lines.push(number);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => `${line},`);
}

const keyText = (name: string): string => (IDENTIFIER.test(name) ? name : quoted(name));

function text(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === undefined || value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value).replace('e+', 'e');
  throw new DraftError(
    `A draft cannot spell ${String(value)}. Write the migration by hand: npm run migrate:create <name>`,
  );
}

/** A text in the quotes that need the fewest escapes. */
export function quoted(value: string): string {
  const json = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"');
  const quote = value.split("'").length > value.split('"').length ? '"' : "'";
  return `${quote}${json.replaceAll(quote, `\\${quote}`)}${quote}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));
}
