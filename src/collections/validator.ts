import type { Schema, SchemaType } from 'mongoose';
import { CIPHERTEXT_PATTERN } from '../lib/keyring.ts';

/** The part of JSON Schema that a collection's validator uses. Without `additionalProperties`: not every engine takes it. */
export interface ValidatorSchema {
  bsonType?: string | string[];
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, ValidatorSchema>;
  items?: ValidatorSchema;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
}

/** Limits of a path in a model → their name in a validator. */
const LIMITS = { minlength: 'minLength', maxlength: 'maxLength', min: 'minimum', max: 'maximum' } as const;

/**
 * The `$jsonSchema` that the database itself enforces for a model. Mongoose writes its outline; what Mongoose leaves out
 * (limits, objects of free form, ciphertexts) is added, and what it adds (`null` for everything optional) is taken away: a value
 * that is not there is absent, and has no second spelling.
 */
export function validatorOf(schema: Schema): ValidatorSchema {
  const outline = schema.toJSONSchema({ useBsonType: true }) as ValidatorSchema;
  return sorted(refined({ bsonType: 'object', ...outline }, schema, ''));
}

function refined(node: ValidatorSchema, schema: Schema, prefix: string): ValidatorSchema {
  const properties = Object.entries(node.properties ?? {}).map(([name, child]): [string, ValidatorSchema] => {
    const path: SchemaType | undefined = schema.path(prefix + name);
    // A path that is no path of its own is a nested object: its children are paths of the same schema.
    return [name, path === undefined ? refined(child, schema, `${prefix}${name}.`) : refinedPath(child, path)];
  });
  return { ...withoutNull(node), properties: Object.fromEntries(properties) };
}

function refinedPath(node: ValidatorSchema, path: SchemaType): ValidatorSchema {
  const { schema } = path as { schema?: Schema };
  if (node.items !== undefined) {
    const items = schema
      ? refined(node.items, schema, '')
      : refinedPath(node.items, (path as SchemaType & { embeddedSchemaType: SchemaType }).embeddedSchemaType);
    return { ...withoutNull(node), items };
  }
  if (schema !== undefined) return refined(node, schema, '');
  const limits = Object.entries(LIMITS).flatMap(([option, keyword]) => {
    const limit: unknown = path.options[option as keyof typeof LIMITS];
    return typeof limit === 'number' ? [[keyword, limit] as const] : [];
  });
  const freeForm = path.options['type'] === Object && { bsonType: 'object' };
  // Clear text never gets in, whatever writes it.
  const sealed = path.options['sensitive'] !== undefined && { pattern: CIPHERTEXT_PATTERN };
  return { ...freeForm, ...withoutNull(node), ...Object.fromEntries(limits), ...sealed };
}

function withoutNull(node: ValidatorSchema): ValidatorSchema {
  const types = [node.bsonType ?? []].flat().filter((type) => type !== 'null');
  const values = node.enum?.filter((value) => value !== null);
  return {
    ...node,
    ...(types.length > 0 && { bsonType: types.length === 1 ? String(types[0]) : types }),
    ...(values && { enum: values }),
  };
}

/** `_id` first, everything else as the model has it: validators are read by people, in `docs/SCHEMA.md` and in diffs. */
function sorted(schema: ValidatorSchema): ValidatorSchema {
  const idFirst = (a: string, b: string): number => Number(b === '_id') - Number(a === '_id');
  const properties = Object.entries(schema.properties ?? {}).sort(([a], [b]) => idFirst(a, b));
  return {
    ...schema,
    required: [...(schema.required ?? [])].sort(idFirst),
    properties: Object.fromEntries(properties),
  };
}
