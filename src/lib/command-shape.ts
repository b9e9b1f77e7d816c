/**
 * The shape of a database command: which fields it asks about and how, with the type of each value in its place. Two
 * commands that differ only in whom they are about have the same shape, so it can be logged.
 */

/** Parts of a command that make its plan. Documents to insert are left out: their keys may be people's words. */
const SHAPED = [
  'filter',
  'query',
  'q',
  'pipeline',
  'updates',
  'deletes',
  'sort',
  'limit',
  'skip',
  'hint',
  'key',
] as const;

/** Deep enough for `{ updates: [{ q: { _id: { $in: [] } } }] }`; below are values. */
const MAX_DEPTH = 5;

const MAX_KEYS = 20;

/** Directions and page sizes are part of the shape, not of anybody's data; a field of that name is not. */
const LITERAL_PARTS: ReadonlySet<string> = new Set(['sort', 'limit', 'skip', 'hint']);
const LITERAL_STAGES: ReadonlySet<string> = new Set(['$limit', '$skip', '$sort']);

/** Replacement documents and new values: fields by their names, and nothing below them. */
const WRITTEN: ReadonlySet<string> = new Set(['u', 'update', '$set', '$setOnInsert', '$push', '$addToSet']);

export function commandShape(command: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    SHAPED.filter((part) => command[part] !== undefined).map((part) => [
      part,
      LITERAL_PARTS.has(part) ? literal(command[part]) : shapeOf(command[part], part, 0),
    ]),
  );
}

/** The driver writes a sort as a map, which has its order but is nothing in JSON. */
const literal = (value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value);

function shapeOf(value: unknown, key: string, depth: number): unknown {
  if (Array.isArray(value)) return value.slice(0, MAX_KEYS).length > 0 ? arrayShape(value, key, depth) : [];
  if (!isPlain(value)) return LITERAL_STAGES.has(key) ? value : typeName(value);
  if (depth >= MAX_DEPTH) return 'object';
  if (LITERAL_STAGES.has(key)) return value;
  const entries = Object.entries(value).slice(0, MAX_KEYS);
  if (WRITTEN.has(key)) return Object.fromEntries(entries.map(([name, member]) => [name, writtenShape(name, member)]));
  return Object.fromEntries(entries.map(([name, member]) => [name, shapeOf(member, name, depth + 1)]));
}

/** Items of one kind (the ids of an `$in`) are one item to the plan. */
function arrayShape(items: readonly unknown[], key: string, depth: number): unknown[] {
  const shapes = items.slice(0, MAX_KEYS).map((item) => shapeOf(item, key, depth));
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
}

function writtenShape(name: string, value: unknown): unknown {
  return name.startsWith('$') && isPlain(value) ? Object.keys(value).slice(0, MAX_KEYS) : typeName(value);
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? value.constructor.name : typeof value;
}
