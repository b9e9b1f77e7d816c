import type { TSchema } from 'typebox';
import type { StoredDocument } from '../../models/document.ts';
import { isId } from '../../models/ids.ts';

/** A stored value as it is on the wire: ids and decimals as text, times in ISO 8601. */
export function wireValue(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return value.toISOString();
  if (isId(value)) return value.toHexString();
  if (Array.isArray(value)) return value.map(wireValue);
  // What the driver has a class for, such as a Decimal128, has a text.
  if ('_bsontype' in value) return String(value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, wireValue(member)]));
}

/** Makes the function that turns a stored document into the view of that schema: what it does not name is private. */
export function shower(
  view: TSchema,
  notStored: readonly string[] = [],
): (document: StoredDocument) => Record<string, unknown> {
  const { properties } = view as TSchema & { readonly properties: Readonly<Record<string, TSchema>> };
  const names = Object.keys(properties).filter((name) => name !== 'id' && !notStored.includes(name));
  return (document) => {
    const shown: Record<string, unknown> = { id: document._id.toHexString() };
    for (const name of names) {
      const value = document[name];
      if (value != null) shown[name] = wireValue(value);
    }
    return shown;
  };
}
