/**
 * One text for one value, whatever the order of its keys: what a hash is taken over. It is no JSON: a time and an id
 * are written as nothing else is, so that no text or object can pass for one.
 */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value instanceof Date) return `date(${value.getTime()})`;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('toHexString' in value) return `id(${String(value)})`;
  // Any other type of a database is none that is stored; if somebody puts one there, it is told from all others.
  if (Object.getPrototypeOf(value) !== Object.prototype) return `${value.constructor.name}(${String(value)})`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
