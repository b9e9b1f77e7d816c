/** Reading values as other systems write them. What is none of them is handed on as it is, for the check to refuse. */

/** Times below are seconds, above milliseconds: 1973 as the one, the year 5138 as the other. */
const SECONDS_BELOW = 1e11;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** true and false, also as CSV and SQL write them. */
export function booleanOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^(true|t|1)$/i.test(value)) return true;
  return /^(false|f|0)$/i.test(value) ? false : value;
}

/** ISO 8601 of a time as text, as a number of seconds or milliseconds, or as MongoDB's tools write it. */
export function timeOf(value: unknown): unknown {
  if (isObject(value)) return '$date' in value ? timeOf(value['$date']) : timeOf(value['$numberLong']);
  const number = typeof value === 'string' && /^\d{9,}(\.\d+)?$/.test(value) ? Number(value) : value;
  const date = new Date(typeof number === 'number' && number < SECONDS_BELOW ? number * 1000 : (number as string));
  return Number.isNaN(date.getTime()) ? value : date.toISOString();
}

export const suspendedWhen = (value: unknown): unknown => {
  const blocked = booleanOf(value);
  if (blocked === true) return 'suspended';
  return blocked === false ? 'active' : value;
};

export const suspendedUnless = (value: unknown): unknown => {
  const enabled = booleanOf(value);
  return typeof enabled === 'boolean' ? suspendedWhen(!enabled) : value;
};

/** A JSON object, also one that stands in a cell or a text. */
export function objectOf(value: unknown): Record<string, unknown> | undefined {
  if (isObject(value)) return value;
  if (typeof value !== 'string') return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
