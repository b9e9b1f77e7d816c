import type { Doc } from '../bson.ts';

/**
 * MongoDB lists the bounds of an index field by field; the engine writes each combination as one text, such as
 * `["status": ["a", "a"], "n": DESC(MinKey, MaxKey)]`.
 */
export function boundsByField(fields: readonly string[], bounds: unknown): Doc | undefined {
  if (!Array.isArray(bounds) || fields.length === 0) return undefined;
  const byField = new Map<string, string[]>(fields.map((field) => [field, []]));
  for (const text of bounds.map(String)) {
    for (const [field, range] of rangesIn(text, fields)) {
      const ranges = byField.get(field);
      if (ranges !== undefined && !ranges.includes(range)) ranges.push(range);
    }
  }
  return Object.fromEntries(byField);
}

/** The range of each field reaches to the name of the next one; ranges may hold any text themselves. */
function* rangesIn(text: string, fields: readonly string[]): Generator<[string, string]> {
  let at = 0;
  for (const [i, field] of fields.entries()) {
    const label = `"${field}": `;
    const start = text.indexOf(label, at);
    if (start < 0) return;
    const next = fields[i + 1];
    const end = next === undefined ? text.lastIndexOf(']') : text.indexOf(`, "${next}": `, start);
    at = end < 0 ? text.length : end;
    yield [field, text.slice(start + label.length, at).replace(/^DESC/, '')];
  }
}
