import type { FastifyRequest } from 'fastify';
import type { Transaction } from '../../database.ts';
import { AppError } from '../../errors.ts';
import { isAdminRule, type OwnRule } from '../../lib/access-rules.ts';
import { and, type Filter, findDocument } from '../../models/document.ts';
import { type Caller, filterOf } from '../../models/document-access.ts';
import { isId, toId } from '../../models/ids.ts';
import type { Operation, Plan } from './declaration.ts';

type Params = Readonly<Record<string, string>>;

export const callerOf = ({ session }: FastifyRequest): Caller => (session ? { userId: session.userId } : {});

/** What the URL says about documents: the parameters that are paths of the model, as stored. */
export const nestedFilter = ({ nested }: Plan, params: unknown): Filter =>
  Object.fromEntries(nested.map((path) => [path, toId((params as Params)[path] ?? '')]));

/** The one team that a rule about teams comes down to where it is known which. */
export const teamOf = (rule: OwnRule, known: Filter): { readonly teamId?: ReturnType<typeof toId> } => {
  const id = rule.kind === 'team' ? known[rule.path] : undefined;
  return isId(id) ? { teamId: id } : {};
};

/** What a filter holds to one value. */
export const equalitiesIn = (filter: Filter): Filter =>
  Object.assign({}, ...((filter['$and'] as Filter[] | undefined) ?? [filter]));

/**
 * Of a single document, the team that it belongs to: somebody may be in thousands, and only that one matters.
 * @returns undefined where there is no such document
 */
async function teamPlaceOf(
  { model }: Plan,
  rule: OwnRule,
  known: Filter,
  tx?: Transaction,
): Promise<Filter | undefined> {
  const { _id } = known;
  if (rule.kind !== 'team' || _id === undefined || rule.path in known) return {};
  const found = await findDocument(model, { _id }, { projection: { [rule.path]: 1 }, ...(tx && { tx }) });
  return found ? { [rule.path]: found[rule.path] } : undefined;
}

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
  if (rule === undefined) return null;
  const inUrl = nestedFilter(plan, request.params);
  const given = and(inUrl, within);
  if (isAdminRule(rule)) return given;
  const known = { ...inUrl, ...within };
  const place = await teamPlaceOf(plan, rule, known, tx);
  if (place === undefined) return null;
  const filter = await filterOf(rule, callerOf(request), {
    ...teamOf(rule, { ...known, ...place }),
    ...(tx && { tx }),
  });
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
  const filter = await reachOf(plan, operation, request, { within: { _id: toId(id) }, ...(tx && { tx }) });
  if (filter === null) throw new AppError('not-found');
  return filter;
}
