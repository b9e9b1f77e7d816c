import type { FastifyRequest } from 'fastify';
import type { Transaction } from '../../database.ts';
import { AppError } from '../../errors.ts';
import { isAdminRule, type OwnRule } from '../../lib/access-rules.ts';
import { and, type Filter } from '../../models/document.ts';
import { type Caller, filterOf } from '../../models/document-access.ts';
import { toId } from '../../models/ids.ts';
import type { Operation, Plan } from './declaration.ts';
import type { FieldRules } from './fields.ts';

type Params = Readonly<Record<string, string>>;

export const callerOf = ({ session }: FastifyRequest): Caller => (session ? { userId: session.userId } : {});

/** What the URL says about documents: the parameters that are paths of the model, as stored. */
export const nestedFilter = ({ nested }: Plan, params: unknown): Filter =>
  Object.fromEntries(nested.map((path) => [path, toId((params as Params)[path] ?? '')]));

const teamOf = (rule: OwnRule, filter: Filter) =>
  rule.kind === 'team' && filter[rule.path] !== undefined
    ? { teamId: filter[rule.path] as ReturnType<typeof toId> }
    : {};

/**
 * Which documents the caller of an operation may have to do with, as a part of the query; `null` for none.
 * @param within what the request has said already, such as the team
 */
export async function reachOf(
  plan: Plan,
  operation: Operation,
  request: FastifyRequest,
  { within = {}, tx }: { readonly within?: Filter; readonly tx?: Transaction } = {},
): Promise<Filter | null> {
  const rule = plan.rules[operation];
  const given = and(nestedFilter(plan, request.params), within);
  if (rule === undefined) return null;
  if (isAdminRule(rule)) return given;
  const known = { ...nestedFilter(plan, request.params), ...within };
  const filter = await filterOf(rule, callerOf(request), { ...teamOf(rule, known), ...(tx && { tx }) });
  return filter && and(given, filter);
}

/** The same for a single document. @throws {AppError} `not-found` */
export async function reachOne(
  plan: Plan,
  operation: Operation,
  request: FastifyRequest,
  tx?: Transaction,
): Promise<Filter> {
  const { id = '' } = request.params as Params;
  const filter = await reachOf(plan, operation, request, tx && { tx });
  if (filter === null) throw new AppError('not-found');
  return and({ _id: toId(id) }, filter);
}

/** What fields that only some may write ask of a document, besides the rule of the operation. */
export async function reachOfFields(
  rules: FieldRules,
  fields: readonly string[],
  request: FastifyRequest,
  { teamId, tx }: { readonly teamId?: unknown; readonly tx: Transaction },
): Promise<Filter | null> {
  const filters: Filter[] = [];
  for (const field of fields) {
    const rule = rules.get(field);
    if (rule === undefined || rule.decides !== 'sometimes') continue;
    if ('admin' in rule) {
      if (!passes(request, rule.admin)) return null;
      continue;
    }
    const within = teamId === undefined ? { tx } : { teamId: toId(String(teamId)), tx };
    const filter = await filterOf(rule.own, callerOf(request), within);
    if (filter === null) return null;
    filters.push(filter);
  }
  return and(...filters);
}

/** Whether whoever calls a route of administration passes another rule of that kind. */
function passes({ permissions, session }: FastifyRequest, rule: Parameters<typeof isAdminRule>[0]): boolean {
  if (rule.kind === 'permission') return permissions?.has(rule.permission) ?? false;
  return rule.kind === 'role' && (session?.roles.includes(rule.role as never) ?? false);
}

/** The stored paths that the caller is shown, with a condition for those that only some may read. */
export async function projectionFor({ projection, reads }: Plan, request: FastifyRequest): Promise<Filter> {
  const conditional = [...reads].filter(([, rule]) => rule.decides === 'sometimes');
  if (conditional.length === 0) return projection;
  const shown: Record<string, unknown> = { ...projection };
  for (const [field, rule] of conditional) {
    if (rule.decides !== 'sometimes') continue;
    if ('admin' in rule) {
      if (!passes(request, rule.admin)) delete shown[field];
      continue;
    }
    const condition = conditionOf(await filterOf(rule.own, callerOf(request)));
    if (condition === undefined) delete shown[field];
    else shown[field] = { $cond: [condition, `$${field}`, '$$REMOVE'] };
  }
  return shown;
}

/** A filter of equalities as an expression; undefined where it matches nothing. */
function conditionOf(filter: Filter | null): unknown {
  if (filter === null) return undefined;
  const parts = Object.entries(filter).map(([path, value]) => {
    const { $in } = (value ?? {}) as { $in?: unknown };
    return $in === undefined ? { $eq: [`$${path}`, value] } : { $in: [`$${path}`, $in] };
  });
  return { $and: parts };
}
