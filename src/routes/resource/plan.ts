import { type TProperties, type TSchema, Type } from 'typebox';
import { type AdminRule, isAdminRule, type OwnRule, type Rule, sameRule } from '../../lib/access-rules.ts';
import { defaultOf, documentModel, type Filter } from '../../models/document.ts';
import { listsOf } from '../../models/document-list.ts';
import { closed, Id, idOf, pageQuery } from '../../schemas/common.ts';
import { includedSchema, newSchema, pageSchema, patchSchema, viewSchema } from '../../schemas/resource.ts';
import {
  type Audience,
  OPERATIONS,
  type Operation,
  type Plan,
  type RelationToInclude,
  type ResourceOptions,
} from './declaration.ts';
import { decided, type FieldRules, fieldRules } from './fields.ts';

/** The operations of a declaration by who performs them: people with their own documents, and administration. */
export function audiencesOf(access: ResourceOptions<never>['access']): Audience[] {
  const own: Partial<Record<Operation, OwnRule>> = {};
  const admin: Partial<Record<Operation, AdminRule>> = {};
  for (const operation of OPERATIONS)
    for (const rule of [access[operation] ?? []].flat() as Rule[]) {
      const [rules, kind]: [Partial<Record<Operation, Rule>>, string] = isAdminRule(rule)
        ? [admin, 'administration']
        : [own, 'people'];
      if (rules[operation]) throw new Error(`The operation ${operation} has two rules for ${kind}; one route has one`);
      rules[operation] = rule;
    }
  return [
    { kind: 'own' as const, rules: own },
    { kind: 'admin' as const, rules: admin },
  ].filter(({ rules }) => Object.keys(rules).length > 0);
}

export const pascal = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const propertiesOf = (view: TSchema): TProperties => (view as TSchema & { properties: TProperties }).properties;

export const pluralOf = ({ name, plural = `${name}s` }: Pick<ResourceOptions<never>, 'name' | 'plural'>): string =>
  plural;

export const pathOf = (options: Pick<ResourceOptions<never>, 'name' | 'plural' | 'path'>): string =>
  options.path ?? `/${kebab(pluralOf(options))}`;

const nestedIn = (path: string): string[] => [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);

/** Paths that every list of an audience holds to one value: those of the URL, and what the rule is about. */
export function fixedPaths({ rules }: Audience, nested: readonly string[]): string[] {
  const rule = rules.list;
  const open = rule?.kind === 'everyone' || rule?.kind === 'signed-in';
  const byRule = rule?.kind === 'owner' || (rule?.kind === 'team' && rule.path !== '_id') ? [rule.path] : [];
  return [...new Set([...nested, ...byRule, ...(open ? Object.keys(rule.where) : [])])];
}

/** A flat list of what belongs to teams is the list of one team: the request names it. */
export function teamParameter({ rules, nested }: Pick<Plan, 'rules' | 'nested'>): string | undefined {
  const rule = rules.list;
  return rule?.kind === 'team' && rule.path !== '_id' && !nested.includes(rule.path) ? rule.path : undefined;
}

/** Whether a list can show deleted documents: those who restore see them, by the paths that the list holds to one value. */
export function listsDeleted({ kind, rules: { list, restore } }: Audience): boolean {
  if (list === undefined || restore === undefined) return false;
  if (kind === 'admin' || sameRule(list, restore)) return true;
  return list.kind === 'team' && restore.kind === 'team' && list.path === restore.path;
}

/** Paths that say whose a document is: nobody gives it away. */
const ownersIn = ({ rules: { create, update } }: Audience): string[] =>
  [create, update].flatMap((rule) => (rule?.kind === 'owner' ? [rule.path] : []));

/** What the rule itself says of a new document. */
const givenByRule = (audience: Audience): string[] => [
  ...ownersIn(audience),
  ...Object.keys(whereOf(audience.rules.create)),
];

export const whereOf = (rule: Rule | undefined): Filter => (rule !== undefined && 'where' in rule ? rule.where : {});

export function planOf(options: ResourceOptions<never>, audience: Audience, others: boolean): Plan {
  const { schemas: wire, fields = {}, filters = [], sorts = [], include = {} } = options;
  const model = documentModel(options.model.modelName);
  const path = pathOf(options);
  const nested = nestedIn(path);
  const reads = fieldRules(audience, fields, 'read', 'read');
  const creates = fieldRules(audience, fields, 'write', 'create');
  const updates = fieldRules(audience, fields, 'write', 'update');
  // What the URL or the rule says is no part of a body.
  const writes = (rules: FieldRules, said: readonly string[]) => (field: string) =>
    decided(rules, field) !== 'never' && !nested.includes(field) && !said.includes(field);
  const isShown = (field: string) => decided(reads, field) === 'always';
  const id = audience.kind === 'admin' && others ? `Admin${wire.id}` : wire.id;
  // What refers to others is told by what is included: hidden from all, it includes nothing.
  const included = Object.fromEntries(
    Object.entries(audience.kind === 'own' ? include : {}).filter(
      ([, relation]) => relation.kind === 'links' || decided(reads, relation.path) !== 'never',
    ),
  );
  const lists = Object.fromEntries(
    Object.keys(included).map((name) => [name, Type.Unsafe<unknown>({ $ref: `${included[name]?.of().viewId}#` })]),
  );
  const notStored = Object.keys(included).length > 0 ? [...Object.keys(linkProperties(included)), 'included'] : [];
  const view = viewSchema(wire, {
    id,
    shows: (field) => decided(reads, field),
    withDeletion:
      audience.rules.restore !== undefined || (audience.kind === 'admin' && audience.rules.read !== undefined),
    more: { ...linkProperties(included), ...includedSchema(lists) },
  });
  const isDate = (each: string) => model.schema.path(each)?.instance === 'Date';
  return {
    ...audience,
    model,
    collection: model.collection.collectionName,
    options,
    plural: pluralOf(options),
    path,
    nested,
    view,
    page: pageSchema(view, pluralOf(options), includedSchema(lists)),
    create: newSchema(wire, `New${id}`, writes(creates, givenByRule(audience))),
    patch: patchSchema(wire, {
      id: `${id}Patch`,
      writes: writes(updates, ownersIn(audience)),
      hasDefault: (field) => defaultOf(model, field) != null,
    }),
    lists: listsOf(model.schema, {
      fixed: fixedPaths(audience, nested),
      // A filter or an order by what is hidden would tell it: a cursor holds the value itself.
      filters: filters.filter((each) => isShown(each) && !fixedPaths(audience, nested).includes(each)),
      ranges: filters.filter(isDate),
      sorts: sorts.filter((each) => isShown(each) && each in propertiesOf(view)),
    }),
    reads,
    creates,
    updates,
    projection: widestProjection(view, notStored, [...nested, ...Object.values(included).flatMap(pathIn)]),
    include: included,
    notStored,
  };
}

const pathIn = (relation: RelationToInclude): string[] => (relation.kind === 'parent' ? [relation.path] : []);

/** With a junction, each document says which of the others are linked to it, and what the link says. */
const linkProperties = (include: Readonly<Record<string, RelationToInclude>>): TProperties =>
  Object.fromEntries(
    Object.entries(include).flatMap(([name, relation]) =>
      relation.kind === 'links'
        ? [
            [
              name,
              Type.Optional(
                Type.Array(closed({ id: Id, ...relation.fields }), { description: `With \`include=${name}\`.` }),
              ),
            ],
          ]
        : [],
    ),
  );

/** What the view shows, what an ETag is made of, and what includes go by. */
function widestProjection(view: TSchema, notStored: readonly string[], more: readonly string[]): Filter {
  const shown = Object.keys(propertiesOf(view)).filter((name) => name !== 'id' && !notStored.includes(name));
  return Object.fromEntries([...shown, ...more, 'revision'].map((name) => [name, 1]));
}

/** Name of an operation in the OpenAPI document: `listNotes`, `getNote`, and for administration `listAnyNotes`. */
export function operationId({ kind, options, plural }: Plan, operation: Operation): string {
  const verb = operation === 'read' ? 'get' : operation;
  const many = operation === 'list';
  return `${verb}${kind === 'admin' ? 'Any' : ''}${pascal(many ? plural : options.name)}`;
}

/** The query of a list: pages, the filters and sorts that an index serves, and what may be included. */
export function listQuery(plan: Plan): TSchema {
  const { lists, include } = plan;
  const team = teamParameter(plan);
  const sorts = lists.sorts.map((path) => (path === '_id' ? 'id' : path));
  return closed({
    ...pageQuery,
    ...(team !== undefined && { [team]: Id }),
    ...Object.fromEntries(lists.filters.flatMap((path) => filterParameters(plan, path))),
    ...Object.fromEntries(Object.entries(include).flatMap(([name, relation]) => throughParameter(name, relation))),
    ...(sorts.length > 1 && {
      sort: Type.Optional(
        Type.Enum(
          sorts.flatMap((name) => [name, `-${name}`]),
          { description: 'Newest first by id unless given; `-` for descending.' },
        ),
      ),
    }),
    ...(listsDeleted(plan) && {
      deleted: Type.Optional(Type.Boolean({ description: 'The deleted ones, instead of the others.' })),
    }),
    ...(Object.keys(include).length > 0 && includeParameter(include)),
    total: Type.Optional(Type.Boolean({ description: 'Count what matches, up to 10,000.' })),
  });
}

function filterParameters({ model, options }: Plan, path: string): [string, TSchema][] {
  const at = (suffix: string) => `${path.replace(/At$/, '')}${suffix}`;
  const time = Type.Optional(Type.String({ format: 'date-time' }));
  if (model.schema.path(path)?.instance === 'Date')
    return [
      [at('After'), time],
      [at('Before'), time],
    ];
  const { [path]: field = Id } = options.schemas.fields;
  return [[path, Type.Optional(field)]];
}

/** Through a junction a list is narrowed to what is linked to one of the others. */
const throughParameter = (name: string, relation: RelationToInclude): [string, TSchema][] =>
  relation.kind === 'links'
    ? [[relation.to, Type.Optional(idOf(`Only what is linked to this one of the ${name}; goes with no other filter.`))]]
    : [];

/** Names of relations, with commas between them. */
export function includeParameter(include: Plan['include']): { include: TSchema } {
  const names = Object.keys(include);
  const one = `(${names.join('|')})`;
  return {
    include: Type.Optional(
      Type.String({
        pattern: `^${one}(,${one})*$`,
        maxLength: 200,
        description: `What to include, separated by commas: ${names.map((name) => `\`${name}\``).join(', ')}.`,
        examples: [names.join(',')],
      }),
    ),
  };
}
