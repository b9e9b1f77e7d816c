import { isAdminRule, type Rule } from '../../lib/access-rules.ts';
import { documentModel } from '../../models/document.ts';
import { hasLife } from '../../models/life.ts';
import { relationsTo } from '../../models/relations.ts';
import type { Plan, ResourceOptions } from './declaration.ts';
import { fixedPaths, propertiesOf, teamParameter, whereOf } from './plan.ts';

type Options = ResourceOptions<never>;

/** Members of every document or view that no field may be called. */
const RESERVED = [
  ...['id', '_id', 'createdAt', 'updatedAt', 'deletedAt', 'purgeAt', 'revision'],
  ...['deletedWith', 'settling', 'childrenRevision', 'included'],
];

/** Parameters of every list that no filter may be called. */
const PARAMETERS = ['limit', 'cursor', 'sort', 'deleted', 'include', 'total'];

/** In characters: the text of a sort key goes into a cursor, as 6 bytes for a character at the worst. */
const LONGEST_SORT_KEY = 500;

/**
 * Refuses what could not be kept.
 * @throws Error that names the resource and says what is wrong
 */
export function checkDeclaration(options: Options, plans: readonly Plan[]): void {
  const wrong =
    wrongWithModel(options) ??
    wrongWithNames(options) ??
    wrongWithRules(options) ??
    wrongWithSorts(options) ??
    wrongWithLists(options, plans);
  if (wrong !== undefined) throw new Error(`The resource ${options.name}: ${wrong}`);
}

function wrongWithModel({ model, removal, access }: Options): string | undefined {
  const { schema, modelName } = documentModel(model.modelName);
  if (!hasLife({ schema })) return 'its model lacks LIFE_FIELDS';
  if (removal !== 'hard') return undefined;
  if (relationsTo(modelName).length > 0) return 'what others refer to is deleted softly';
  return access.restore && 'what is removed at once cannot be restored';
}

/** A rule for a field that is misspelt would protect nothing. */
function wrongWithNames({ schemas, fields = {}, filters = [], include = {} }: Options): string | undefined {
  const reserved =
    [...Object.keys(schemas.fields), ...Object.keys(include)].find((name) => RESERVED.includes(name)) ??
    filters.find((name) => PARAMETERS.includes(name));
  if (reserved) return `${reserved} is the name of something that every document or list has`;
  const both = Object.keys(include).find((name) => name in schemas.fields);
  if (both) return `${both} is a field and a relation`;
  const unknown = [...Object.keys(fields), ...schemas.once].find((name) => !(name in schemas.fields));
  return unknown && `there is no field ${unknown} to have a rule`;
}

const pathsOf = (rule: Rule): string[] => {
  if (isAdminRule(rule)) return [];
  return 'path' in rule ? [rule.path] : Object.keys(whereOf(rule));
};

function wrongWithRules({ model, access, fields = {} }: Options): string | undefined {
  const { schema } = documentModel(model.modelName);
  const given = [
    ...Object.values(access),
    ...Object.values(fields).flatMap(({ read, write }) => [read ?? [], write ?? []]),
  ].flat() as Rule[];
  const unknown = given.flatMap(pathsOf).find((path) => !schema.path(path));
  if (unknown) return `a rule goes by ${unknown}, which its model lacks`;
  const creates = ([access.create ?? []].flat() as Rule[]).flatMap((rule) =>
    isAdminRule(rule) || !('path' in rule) ? [] : [rule.path],
  );
  const optional = creates.find((path) => path === '_id' || !schema.path(path)?.isRequired);
  return optional && `what is made by a rule about ${optional} has to have it: make that required`;
}

function wrongWithSorts({ model, sorts = [] }: Options): string | undefined {
  const { schema } = documentModel(model.modelName);
  for (const path of sorts) {
    const type = schema.path(path);
    if (!type?.isRequired) return `it cannot be sorted by ${path}, which may be absent`;
    const { maxlength = Number.POSITIVE_INFINITY } = type.options as { maxlength?: number };
    if (type.instance === 'String' && type.options['enum'] === undefined && maxlength > LONGEST_SORT_KEY)
      return `it cannot be sorted by ${path}, which may be longer than ${LONGEST_SORT_KEY} characters (maxlength)`;
  }
  return undefined;
}

function wrongWithLists({ filters = [], sorts = [] }: Options, plans: readonly Plan[]): string | undefined {
  const fixed = (plan: Plan) => fixedPaths(plan, plan.nested);
  const hidden = (path: string) => plans.every(({ reads, view }) => reads.has(path) || !(path in propertiesOf(view)));
  for (const path of filters)
    if (!plans.some((plan) => plan.lists.filters.includes(path) || fixed(plan).includes(path)))
      return plans.every(({ reads }) => reads.has(path))
        ? `a filter by ${path} would tell it to those who may not read it`
        : `no index serves the filter ${path}`;
  for (const path of sorts)
    if (!plans.some((plan) => plan.lists.sorts.includes(path)))
      return hidden(path)
        ? `a cursor by ${path} would tell it to those who may not read it`
        : `no index serves the order by ${path}`;
  for (const plan of plans)
    if (plan.rules.list && !plan.lists.plans.some((each) => each.filters.length === 0))
      return `no index serves the list of ${plan.kind === 'own' ? 'its owners' : 'administration'}`;
  const twice = plans.flatMap((plan) => parametersTwice(plan))[0];
  return twice && `lists would have the parameter ${twice} twice`;
}

/** What two things of a list are asked by: one of them would hide the other. */
function parametersTwice(plan: Plan): string[] {
  const parametersOf = (path: string): string[] => {
    const stem = path.replace(/At$/, '');
    return plan.model.schema.path(path)?.instance === 'Date' ? [`${stem}After`, `${stem}Before`] : [path];
  };
  const all = [
    ...PARAMETERS,
    ...[teamParameter(plan) ?? []].flat(),
    ...plan.lists.filters.flatMap(parametersOf),
    ...Object.values(plan.include).flatMap((relation) => (relation.kind === 'links' ? [relation.to] : [])),
  ];
  return all.filter((name, n) => all.indexOf(name) !== n);
}
