/** Reading values as other systems write them. What is none of them is handed on as it is, for the check to refuse. */

/** Times below are seconds, above milliseconds: 1973 as the one, the year 5138 as the other. */
const SECONDS_BELOW = 1e11;
/** What a Date can hold. */
const MAX_TIME = 8.64e15;
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d(?::?\d\d)?)?$/i;

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
  const inner = isObject(value) ? (value['$date'] ?? value['$numberLong']) : undefined;
  if (inner !== undefined) return timeOf(inner);
  const number = typeof value === 'string' && /^\d{9,}(\.\d+)?$/.test(value) ? Number(value) : value;
  const milliseconds = typeof number === 'number' ? scaled(number) : parsed(number);
  return Number.isFinite(milliseconds) && Math.abs(milliseconds) <= MAX_TIME
    ? new Date(milliseconds).toISOString()
    : value;
}

const scaled = (number: number): number => (number < SECONDS_BELOW ? number * 1000 : number);

/** A time without a zone is that of the server, which for databases is UTC; here the machine's own would be a guess. */
function parsed(value: unknown): number {
  const [, day, time, zone = 'Z'] = TIME.exec(textOf(value) ?? '') ?? [];
  return day === undefined ? Number.NaN : new Date(`${day} ${time}${zone}`).getTime();
}

/** Whether a time was before now. What is no time, such as "infinity", never is. */
export const isOver = (value: unknown): boolean => new Date(String(timeOf(value))).getTime() < Date.now();

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
