import { Schema } from 'mongoose';
import { LIFE_FIELDS } from '../models/life.ts';
import { OWNER_PATHS, OWNERS } from './blueprint.ts';
import { Refusal } from './refusal.ts';
import { type FieldType, typeOf } from './types.ts';
import { capital } from './words.ts';

const OPTIONS = ['optional', 'unique', 'filter', 'sort'] as const;
type Option = (typeof OPTIONS)[number];

/** One field of a collection that is to be written. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly optional: boolean;
  readonly unique: boolean;
  readonly filter: boolean;
  readonly sort: boolean;
}

const NAME = /^[a-z][a-zA-Z0-9]{0,39}$/;

/** Names that mean something else in a document, in a request or in an object. */
const RESERVED = new Set([
  ...Object.keys(LIFE_FIELDS),
  ...Object.keys((Schema as unknown as { reserved: object }).reserved),
  'id',
  'included',
]);

/** What lists are asked by already. */
const IN_QUERIES = ['limit', 'cursor', 'sort', 'deleted', 'include', 'total'];

/** Which options make sense of which type. */
const ALLOWED: Readonly<Record<FieldType['name'], readonly Option[]>> = {
  string: ['optional', 'unique', 'filter', 'sort'],
  text: ['optional'],
  integer: ['optional', 'unique', 'filter', 'sort'],
  number: ['optional', 'sort'],
  boolean: ['optional', 'filter'],
  date: ['optional', 'filter', 'sort'],
  decimal: ['optional', 'sort'],
  enum: ['optional', 'filter'],
  reference: ['optional', 'filter'],
};

/** What lists are asked by where they are filtered by the field. */
export const parametersOf = ({ name, type }: Pick<Field, 'name' | 'type'>): string[] =>
  type.name === 'date' ? ['After', 'Before'].map((end) => name.replace(/At$/, '') + end) : [name];

/**
 * `number:string(40) unique` → a field.
 * @throws {Refusal} that says what is wrong with it
 */
export function fieldOf(text: string): Field {
  const [, name = '', typeText = '', rest = ''] = /^\s*([^:\s]*)\s*:\s*(\S*)(.*)$/s.exec(text) ?? [];
  const refuse = (why: string) => new Refusal(`--field "${text}": ${why}`);
  if (!NAME.test(name))
    throw refuse('it begins with a name in camel case, a colon, and a type, as in "dueAt:date optional".');
  const owner = OWNERS.find((each) => OWNER_PATHS[each] === name);
  if (owner !== undefined)
    throw refuse(
      `${name} says whom a document belongs to, which is what --owner ${owner} is for; call what is not that otherwise, as in other${capital(name)}.`,
    );
  if (RESERVED.has(name) || name in {}) throw refuse(`the name ${name} is taken by something that every one has.`);
  const options = rest.split(/\s+/).filter((each) => each !== '');
  try {
    const type = typeOf(typeText);
    return withOptions(name, type, optionsOf(type, options));
  } catch (error) {
    throw error instanceof Refusal ? refuse(error.message) : error;
  }
}

function optionsOf({ name }: FieldType, given: readonly string[]): ReadonlySet<string> {
  for (const option of given) {
    if (!(OPTIONS as readonly string[]).includes(option))
      throw new Refusal(`there is no option ${option}. Options: ${OPTIONS.join(', ')}.`);
    if (!ALLOWED[name].includes(option as Option))
      throw new Refusal(`${option} makes no sense of the type ${name}, which takes ${ALLOWED[name].join(', ')}.`);
  }
  return new Set(given);
}

function withOptions(name: string, type: FieldType, has: ReadonlySet<string>): Field {
  const filter = has.has('filter');
  // A range is served by the order that it is a range of, and one value of a unique field by its index.
  const sort = has.has('sort') || (filter && (type.name === 'date' || has.has('unique')));
  const field = { name, type, optional: has.has('optional'), unique: has.has('unique'), filter, sort };
  const wrong = wrongWith(field);
  if (wrong !== undefined) throw new Refusal(wrong);
  return field;
}

function wrongWith({ name, type, optional, filter, sort }: Field): string | undefined {
  if (sort && optional)
    return filter && type.name === 'date'
      ? 'it is filtered by a range, which needs an order, and what may be absent has none; leave "optional" or "filter" out.'
      : 'what may be absent has no place in an order; leave "optional" or what asks for an order out.';
  if (filter && IN_QUERIES.includes(name)) return `lists have a parameter ${name} already, so it cannot be a filter.`;
  if (type.name !== 'reference') return undefined;
  if (!/^[a-zA-Z0-9]+Id$/.test(name))
    return 'a reference is named after what it refers to, with Id at the end: customerId.';
  if (!optional && (type.onDelete === 'nullify' || type.onDelete === 'anonymise'))
    return `${type.onDelete} leaves it empty, so it has to be optional.`;
  return undefined;
}
