import type { TSchema } from 'typebox';

/** The part of JSON Schema that wire schemas use. */
type Wire = TSchema & {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Wire[];
  readonly items?: Wire;
  readonly properties?: Readonly<Record<string, Wire>>;
  readonly patternProperties?: Readonly<Record<string, Wire>>;
  readonly required?: readonly string[];
  readonly description?: string;
};

/** A wire schema as the TypeScript interface that a client would write. */
export function interfaceOf(schema: TSchema & { readonly $id: string }): string {
  const { properties = {}, required = [], description }: Wire = schema;
  const lines = Object.entries(properties).map(([name, property]) => {
    const optional = required.includes(name) ? '' : '?';
    return `  ${name}${optional}: ${typeOf(property)};${property.description ? ` // ${property.description}` : ''}`;
  });
  return [`// ${description ?? schema.$id}`, `interface ${schema.$id} {`, ...lines, '}'].join('\n');
}

function typeOf({ $ref, type, enum: values, anyOf, items, patternProperties }: Wire): string {
  if ($ref !== undefined) return $ref.replace(/#$/, '');
  if (values !== undefined) return values.map((value) => JSON.stringify(value).replaceAll('"', "'")).join(' | ');
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' | ');
  if (type === 'array') return arrayOf(items === undefined ? 'unknown' : typeOf(items));
  if (type === 'integer') return 'number';
  if (type === 'object') return patternProperties === undefined ? 'object' : 'Record<string, unknown>';
  return type ?? 'unknown';
}

const arrayOf = (type: string): string => (type.includes(' ') ? `(${type})[]` : `${type}[]`);
