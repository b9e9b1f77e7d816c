import type { Blueprint } from './blueprint.ts';
import type { Field } from './field.ts';
import { capital, words } from './words.ts';

/** A value of the field on the wire, and another one; none of what refers to something, which has to be there. */
export function valuesOf({ name, type }: Field): readonly [value: unknown, other: unknown] | undefined {
  switch (type.name) {
    case 'string':
    case 'text':
      return [capital(words(name)).slice(0, type.maxLength), `Other ${words(name)}`.slice(0, type.maxLength)];
    case 'enum':
      return [type.values[0], type.values[1]];
    case 'reference':
      return undefined;
    default:
      return PLAIN[type.name];
  }
}

const PLAIN: Readonly<Record<'integer' | 'number' | 'boolean' | 'date' | 'decimal', [unknown, unknown]>> = {
  integer: [3, 4],
  number: [1.5, 2.5],
  boolean: [true, false],
  date: ['2026-11-23T10:15:00.000Z', '2026-12-24T18:00:00.000Z'],
  decimal: ['12.50', '99.90'],
};

/** What is sent to make one, but for what it refers to. */
export const exampleOf = ({ fields }: Pick<Blueprint, 'fields'>): Record<string, unknown> =>
  Object.fromEntries(
    fields.flatMap((field): [string, unknown][] => {
      const values = valuesOf(field);
      return values ? [[field.name, values[0]]] : [];
    }),
  );

/** A value as it stands in a source. */
export const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value));

export const objectLiteral = (values: Readonly<Record<string, unknown>>): string =>
  `{ ${Object.entries(values)
    .map(([name, value]) => `${name}: ${literal(value)}`)
    .join(', ')} }`;
