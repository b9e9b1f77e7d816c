/** Metadata: a small JSON object that an application keeps with an account, for itself. */

export const METADATA_LIMITS = Object.freeze({
  /** Of its compact JSON in UTF-8. */
  bytes: 4096,
  /** The object itself is the first level. */
  depth: 4,
});

/** They reach the prototype of an object when a client merges them carelessly. */
const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
/** Neither UTF-8 nor therefore the database has a form for them. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const SHOWN_KEY_LENGTH = 40;

/**
 * What is wrong with a value as metadata, as a sentence, or undefined when nothing is. Keys that the database reads as
 * operators or paths (`$…`, dots) and keys that reach a prototype are refused at every level.
 */
export function checkMetadata(value: unknown): string | undefined {
  if (!isPlainObject(value)) return 'Metadata must be a JSON object';
  const problem = checkValue(value, 1);
  if (problem !== undefined) return problem;
  const size = Buffer.byteLength(JSON.stringify(value));
  return size > METADATA_LIMITS.bytes
    ? `Metadata takes ${size} bytes as JSON; at most ${METADATA_LIMITS.bytes} are allowed`
    : undefined;
}

/** The depth is checked on the way down, so that deep nesting never exhausts the stack. */
function checkValue(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return LONE_SURROGATE.test(value) ? 'A text contains a lone surrogate' : undefined;
  if (value === null || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'A number is not finite';
  if (!Array.isArray(value) && !isPlainObject(value)) return 'A value is not of a JSON type';
  if (depth > METADATA_LIMITS.depth) return `Metadata is nested deeper than ${METADATA_LIMITS.depth} levels`;
  // By index, not by `for … in` or `values`: a hole in an array is no JSON either.
  const children: (readonly [string | undefined, unknown])[] = Array.isArray(value)
    ? Array.from(value, (child: unknown) => [undefined, child])
    : Object.entries(value);
  for (const [key, child] of children) {
    const problem = (key === undefined ? undefined : checkKey(key)) ?? checkValue(child, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkKey(key: string): string | undefined {
  const shown = JSON.stringify(key.length > SHOWN_KEY_LENGTH ? `${key.slice(0, SHOWN_KEY_LENGTH)}…` : key);
  if (key === '') return 'A key is empty';
  if (key.startsWith('$')) return `The key ${shown} starts with a dollar sign`;
  if (key.includes('.')) return `The key ${shown} contains a dot`;
  if (key.includes('\0')) return `The key ${shown} contains a null character`;
  if (PROTOTYPE_KEYS.has(key)) return `The key ${shown} is reserved`;
  return LONE_SURROGATE.test(key) ? `The key ${shown} contains a lone surrogate` : undefined;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
