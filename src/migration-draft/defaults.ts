import type { Schema, SchemaType } from 'mongoose';
import { collections } from '../collections/index.ts';

/** What the model gives a path that is left out, where that is a plain value and no function of the moment. */
export function defaultOf(collection: string, path: string): unknown {
  const schema = collections.find(({ name }) => name === collection)?.model.schema;
  return schema && plainDefault(schema, path);
}

/**
 * Undefined, too, for what the model stores as something else: a migration writes to the database itself, where the text
 * of a time would stay a text.
 */
export function plainDefault(schema: Pick<Schema, 'path'>, path: string): unknown {
  const type = schema.path(path);
  const value: unknown = type?.options['default'];
  return isPlain(value) && (Array.isArray(value) || isStoredAsIs(type, value)) ? value : undefined;
}

function isStoredAsIs(type: SchemaType, value: unknown): boolean {
  try {
    return type.cast(value) === value;
  } catch {
    return false;
  }
}

const isPlain = (value: unknown): boolean =>
  ['string', 'number', 'boolean'].includes(typeof value) || (Array.isArray(value) && value.every(isPlain));
