import { ON_DELETE, type OnDelete } from '../models/relations.ts';
import { Refusal } from './refusal.ts';

export const TYPE_NAMES = [
  'string',
  'text',
  'integer',
  'number',
  'boolean',
  'date',
  'decimal',
  'enum',
  'reference',
] as const;
type TypeName = (typeof TYPE_NAMES)[number];

/** The type of a field, with what stands in its parentheses. */
export type FieldType =
  | { readonly name: 'string' | 'text'; readonly maxLength: number }
  | { readonly name: 'integer' | 'number' | 'boolean' | 'date' | 'decimal' }
  | { readonly name: 'enum'; readonly values: readonly string[] }
  | {
      readonly name: 'reference';
      /** The collection that it refers to. */
      readonly to: string;
      readonly onDelete: OnDelete;
    };

const MAX_LENGTHS = { string: 200, text: 10_000 } as const;
/** Longer ones would be the larger part of a document, which is read whole. */
const LONGEST = 100_000;
/** Indexed values have to fit into an index key. */
const LONGEST_STRING = 500;
const MOST_VALUES = 50;
const VALUE = /^[a-zA-Z0-9][a-zA-Z0-9-]{0,39}$/;

/** `string(40)` → its type. @throws {Refusal} for a type that is none */
export function typeOf(text: string): FieldType {
  const [, name = '', given] = /^([a-z]+)(?:\((.*)\))?$/.exec(text) ?? [];
  if (!(TYPE_NAMES as readonly string[]).includes(name))
    throw new Refusal(`there is no type ${text || '""'}. Types: ${TYPE_NAMES.join(', ')}.`);
  return withArgument(name as TypeName, given);
}

function withArgument(name: TypeName, given: string | undefined): FieldType {
  if (name === 'string' || name === 'text') return { name, maxLength: lengthOf(name, given) };
  if (name === 'enum') return { name, values: valuesOf(given) };
  if (name === 'reference') return { name, ...targetOf(given) };
  if (given !== undefined) throw new Refusal(`the type ${name} takes nothing in parentheses.`);
  return { name };
}

function lengthOf(name: 'string' | 'text', given: string | undefined): number {
  if (given === undefined) return MAX_LENGTHS[name];
  const most = name === 'string' ? LONGEST_STRING : LONGEST;
  const length = /^[1-9]\d{0,6}$/.test(given) ? Number(given) : 0;
  if (length < 1 || length > most)
    throw new Refusal(`${name}(${given}): the greatest length is a whole number from 1 to ${most}.`);
  return length;
}

function valuesOf(given: string | undefined): readonly string[] {
  const values = (given ?? '').split('|');
  const wrong = values.find((value) => !VALUE.test(value));
  if (given === undefined || wrong !== undefined)
    throw new Refusal(
      `enum(${given ?? ''}): say its values with | between them, of letters, digits and hyphens: enum(draft|paid).`,
    );
  if (values.length < 2 || values.length > MOST_VALUES)
    throw new Refusal(`enum(${given}): it has from 2 to ${MOST_VALUES} values.`);
  if (new Set(values).size < values.length) throw new Refusal(`enum(${given}): a value is there twice.`);
  return values;
}

function targetOf(given: string | undefined): { to: string; onDelete: OnDelete } {
  const [, to, policy = 'restrict'] = /^([a-z][a-z0-9_-]*)(?:\/([a-z]*))?$/.exec(given ?? '') ?? [];
  const onDelete = ON_DELETE.find((each) => each === policy);
  if (to === undefined || onDelete === undefined)
    throw new Refusal(
      `reference(${given ?? ''}): say a collection, and what its deletion does (${ON_DELETE.join(', ')}): reference(customers/cascade).`,
    );
  return { to: to.replaceAll('-', '_'), onDelete };
}
