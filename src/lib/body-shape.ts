/**
 * What no body may hold, whatever its schema says: keys that mean something to JavaScript or to the database, text
 * that is not Unicode, and shapes that are made to be expensive.
 */
export interface ShapeProblem {
  /** RFC 6901 pointer to the value, or to the object when its key is what is wrong. */
  readonly pointer: string;
  readonly code: 'forbidden-key' | 'lone-surrogate' | 'too-deep' | 'too-many';
  readonly detail: string;
}

const MAX_DEPTH = 32;

/** Members and items of a whole body; the largest of ours has a few dozen. */
const MAX_VALUES = 2_000;

/** Keys by which an object could reach a prototype. */
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const LONE_SURROGATE = /\p{Surrogate}/u;

/** One key of a pointer, escaped as RFC 6901 says. */
export const pointerTo = (parent: string, key: string | number): string =>
  `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** Finds the first thing in a parsed JSON value that no body may hold. */
export function shapeProblem(body: unknown): ShapeProblem | undefined {
  const open: [value: unknown, pointer: string, depth: number][] = [[body, '', 0]];
  let values = 0;
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const [value, pointer, depth] = entry;
    if (typeof value === 'string' && LONE_SURROGATE.test(value)) return loneSurrogate(pointer);
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH) return { pointer, code: 'too-deep', detail: `nested more than ${MAX_DEPTH} levels deep` };
    const keys = Object.keys(value);
    values += keys.length;
    if (values > MAX_VALUES) return { pointer: '', code: 'too-many', detail: `holds more than ${MAX_VALUES} values` };
    const named = !Array.isArray(value);
    for (const key of keys) {
      const problem = named ? keyProblem(key, pointer) : undefined;
      if (problem) return problem;
      const child = (value as Record<string, unknown>)[key];
      // Numbers, booleans and null are harmless; leaving them out keeps the usual body to a few steps.
      if (typeof child === 'string' || typeof child === 'object')
        open.push([child, pointerTo(pointer, key), depth + 1]);
    }
  }
  return undefined;
}

const loneSurrogate = (pointer: string): ShapeProblem => ({
  pointer,
  code: 'lone-surrogate',
  detail: 'is not Unicode text: it holds half of a surrogate pair',
});

function keyProblem(key: string, pointer: string): ShapeProblem | undefined {
  if (LONE_SURROGATE.test(key)) return loneSurrogate(pointer);
  if (!PROTOTYPE_KEYS.has(key) && !key.startsWith('$') && !key.includes('.')) return undefined;
  return {
    pointer: pointerTo(pointer, key),
    code: 'forbidden-key',
    detail: 'keys that start with "$", hold a dot, or name a prototype are not accepted',
  };
}
