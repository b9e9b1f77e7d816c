import { type TProperties, type TSchema, Type } from 'typebox';
import { Id, named, Page, ref, Timestamp } from './common.ts';

type Named = TSchema & { readonly $id: string };

interface WireOptions {
  /** What one of them is. */
  readonly description: string;
  /** Its fields. Those with `readOnly: true` are written by the service alone. */
  readonly fields: TProperties;
  /** Fields that are given once and never changed. */
  readonly once?: readonly string[];
  /** What a client sends to make one: an example of every field that it may write, but for those that refer to something. */
  readonly example: Readonly<Record<string, unknown>>;
}

/** The wire schemas of a domain collection: a view, what makes one, and what changes one. */
export interface WireSchemas {
  readonly id: string;
  readonly description: string;
  readonly fields: TProperties;
  readonly once: readonly string[];
  readonly example: Readonly<Record<string, unknown>>;
}

const isReadOnly = (schema: TSchema): boolean => (schema as { readOnly?: boolean }).readOnly === true;

/** Declares what a domain collection looks like on the wire. Ids and times are added to what is declared. */
export const wireSchemas = (id: string, { once = [], ...options }: WireOptions): WireSchemas => ({
  id,
  once,
  ...options,
});

/** Added by the service to every view. */
const STAMPS = { createdAt: Timestamp, updatedAt: Timestamp };

/** Of a deleted document, where somebody sees it who may restore it. */
const DELETION = {
  deletedAt: Type.Optional(Type.String({ format: 'date-time', description: 'When it was deleted.' })),
  purgeAt: Type.Optional(Type.String({ format: 'date-time', description: 'Until then it can be restored.' })),
};

const EXAMPLE_ID = '665f1c2e9b1e8a0012345678';
const EXAMPLE_TIME = '2026-11-23T10:15:00.000Z';

export type Shown = 'never' | 'sometimes' | 'always';

interface ViewOptions {
  /** Its name among the schemas. */
  readonly id: string;
  /** Whether that field is shown: to nobody who sees this view, to some of them, to all. */
  readonly shows: (field: string) => Shown;
  readonly withDeletion: boolean;
  /** Members that a request may ask for, such as the links of a relation. */
  readonly more: TProperties;
}

/** What a reader sees of a document. */
export function viewSchema(wire: WireSchemas, { id, shows, withDeletion, more }: ViewOptions): Named {
  const fields = Object.fromEntries(
    Object.entries(wire.fields)
      .filter(([name]) => shows(name) !== 'never')
      .map(([name, schema]) => [name, shows(name) === 'sometimes' ? Type.Optional(schema) : schema]),
  );
  const example = {
    id: EXAMPLE_ID,
    ...Object.fromEntries(Object.entries(fields).flatMap(([name, schema]) => exampleOf(name, schema, wire.example))),
    createdAt: EXAMPLE_TIME,
    updatedAt: EXAMPLE_TIME,
  };
  return named(
    id,
    { id: Id, ...fields, ...STAMPS, ...(withDeletion && DELETION), ...more },
    { description: wire.description, examples: [example] },
  );
}

function exampleOf(name: string, schema: TSchema, given: Readonly<Record<string, unknown>>): [string, unknown][] {
  if (name in given) return [[name, given[name]]];
  const { examples = [] } = schema as { examples?: unknown[] };
  if (examples.length > 0) return [[name, examples[0]]];
  if ((schema as { format?: string }).format === 'date-time') return [[name, EXAMPLE_TIME]];
  if ((schema as { pattern?: string }).pattern === (Id as { pattern?: string }).pattern) return [[name, EXAMPLE_ID]];
  return [];
}

/** What a client sends to make a document. */
export function newSchema(wire: WireSchemas, id: string, writes: (field: string) => boolean): Named {
  const fields = Object.fromEntries(
    Object.entries(wire.fields).filter(([name, schema]) => !isReadOnly(schema) && writes(name)),
  );
  return named(id, fields, { examples: [examplesOf(wire, fields)] });
}

/** What is referred to has to be there, so a declared example leaves it out: here it is shown as what it looks like. */
const examplesOf = ({ example }: WireSchemas, fields: TProperties) =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, schema]) => exampleOf(name, schema, example)));

interface PatchOptions {
  readonly id: string;
  readonly writes: (field: string) => boolean;
  /** Whether the model says what that field is where nobody does. */
  readonly hasDefault: (field: string) => boolean;
}

/** A merge patch (RFC 7396) of a document: everything may be left out, `null` removes or resets what is optional. */
export function patchSchema(wire: WireSchemas, { id, writes, hasDefault }: PatchOptions): Named {
  const writable = Object.entries(wire.fields).filter(
    ([name, schema]) => !isReadOnly(schema) && !wire.once.includes(name) && writes(name),
  );
  const fields = Object.fromEntries(
    writable.map(([name, schema]) => [name, Type.Optional(removable(schema, hasDefault(name)))]),
  );
  return named(id, fields, {
    minProperties: 1,
    description:
      'A merge patch (RFC 7396): what is left out stays, `null` removes, or sets the default where there is one.',
    examples: [examplesOf(wire, fields)],
  });
}

function removable(schema: TSchema, hasDefault: boolean): TSchema {
  if (!Type.IsOptional(schema)) return schema;
  const description = hasDefault ? '`null` sets the default.' : '`null` removes it.';
  return Type.Union([required(schema), Type.Null()], { description });
}

const required = (schema: TSchema): TSchema => Type.Required(Type.Object({ schema })).properties['schema'];

/** How many match, where a request asks. */
const TOTAL = {
  total: Type.Optional(Type.Integer({ description: 'How many match, with `total=true`.' })),
  totalCapped: Type.Optional(Type.Boolean({ description: 'There are more than were counted.' })),
};

/** A page of views, with what was asked to be included. */
export function pageSchema(view: Named, plural: string, included: TProperties): Named {
  const { properties } = Page(ref(view), plural) as unknown as { properties: TProperties };
  return named(`${view.$id}Page`, { ...properties, ...included, ...TOTAL });
}

/** What `include` asks for, each once however many refer to it. */
export const includedSchema = (lists: Readonly<Record<string, TSchema>>): TProperties =>
  Object.keys(lists).length === 0
    ? {}
    : {
        included: Type.Optional(
          Type.Object(
            Object.fromEntries(Object.entries(lists).map(([name, item]) => [name, Type.Optional(Type.Array(item))])),
            { additionalProperties: false, description: 'What `include` asked for, each once.' },
          ),
        ),
      };
