import { collections } from '../collections/index.ts';

/** What the model gives a path that is left out, where that is a plain value and no function of the moment. */
export function defaultOf(collection: string, path: string): unknown {
  const schema = collections.find(({ name }) => name === collection)?.model.schema;
  const value: unknown = schema?.path(path)?.options['default'];
  return isPlain(value) ? value : undefined;
}

const isPlain = (value: unknown): boolean =>
  ['string', 'number', 'boolean'].includes(typeof value) || (Array.isArray(value) && value.every(isPlain));
