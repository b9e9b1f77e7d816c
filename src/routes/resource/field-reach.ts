import type { FastifyRequest } from 'fastify';
import type { Transaction } from '../../database.ts';
import { type AdminRule, isAdminRule, sameRule } from '../../lib/access-rules.ts';
import type { Filter, StoredDocument } from '../../models/document.ts';
import { type Caller, filterOf, passesFilter } from '../../models/document-access.ts';
import type { Versioned } from '../representations.ts';
import type { Operation, Plan } from './declaration.ts';
import type { FieldRules } from './fields.ts';
import { callerOf, teamOf } from './reach.ts';

/** Whether whoever calls a route of administration passes another rule of that kind. */
function passes({ permissions, session }: FastifyRequest, rule: AdminRule): boolean {
  if (rule.kind === 'permission') return permissions?.has(rule.permission) ?? false;
  return session?.roles.includes(rule.role as never) ?? false;
}

/**
 * What fields that only some may write ask of a document, besides the rule of the operation; `null` where nothing would
 * do.
 * @param values of a document that is being made
 */
export async function reachOfFields(
  rules: FieldRules,
  fields: readonly string[],
  request: FastifyRequest,
  { values = {}, tx }: { readonly values?: Filter; readonly tx: Transaction },
): Promise<Filter[] | null> {
  const filters: Filter[] = [];
  for (const field of fields) {
    const decision = rules.get(field);
    if (decision?.decides !== 'sometimes') continue;
    const { rule } = decision;
    if (isAdminRule(rule)) {
      if (!passes(request, rule)) return null;
      continue;
    }
    const filter = await filterOf(rule, callerOf(request), { ...teamOf(rule, values), tx });
    if (filter === null) return null;
    filters.push(filter);
  }
  return filters;
}

/** In which documents somebody is shown each field that not all may read: those of the filter, `null` for none. */
type Shown = ReadonlyMap<string, Filter | null>;

/**
 * The same of the answer of an operation. A rule that the operation has passed is not asked again.
 * @param within what is known of the documents, such as the team
 */
export async function shownFields(
  { reads, rules }: Plan,
  operation: Operation,
  request: FastifyRequest,
  within: Filter,
): Promise<Shown> {
  const shown = new Map<string, Filter | null>();
  for (const [field, decision] of reads) {
    if (decision.decides !== 'sometimes') continue;
    const { rule } = decision;
    const passed = rules[operation];
    if (passed && sameRule(passed, rule)) continue;
    if (isAdminRule(rule)) shown.set(field, passes(request, rule) ? {} : null);
    else shown.set(field, await filterOf(rule, callerOf(request), teamOf(rule, within)));
  }
  return shown;
}

/** The same where documents are included with others: what those had to pass says nothing of these. */
export async function includedFields({ reads, kind }: Plan, caller: Caller): Promise<Shown> {
  const shown = new Map<string, Filter | null>();
  for (const [field, decision] of reads)
    if (decision.decides === 'sometimes' && !isAdminRule(decision.rule))
      shown.set(field, kind === 'own' ? await filterOf(decision.rule, caller) : null);
  return shown;
}

/** The stored paths that are shown, with a condition for those that only some may read. */
export function projectionOf({ projection }: Plan, fields: Shown): Filter {
  const shown: Record<string, unknown> = { ...projection };
  for (const [field, filter] of fields)
    if (filter === null) delete shown[field];
    else shown[field] = { $cond: [conditionOf(filter), `$${field}`, '$$REMOVE'] };
  return shown;
}

/** A filter of equalities as an expression. */
function conditionOf(filter: Filter): unknown {
  const parts = Object.entries(filter).map(([path, value]) => {
    const { $in } = (value ?? {}) as { $in?: unknown };
    return $in === undefined ? { $eq: [`$${path}`, { $literal: value }] } : { $in: [`$${path}`, $in] };
  });
  return { $and: parts };
}

/** A document without the fields that are not shown. */
export const withoutHidden = (document: StoredDocument, fields: Shown): StoredDocument =>
  fields.size === 0
    ? document
    : (Object.fromEntries(
        Object.entries(document).filter(([name]) => {
          const filter = fields.get(name);
          return filter === undefined || (filter !== null && passesFilter(document, filter));
        }),
      ) as unknown as StoredDocument);

/** The version of a document as it is shown: by its revision, and by those fields that it is shown with and others are not. */
export function versionOf({ reads }: Plan, shown: StoredDocument): Versioned {
  const seen = [...reads].flatMap(([field, { decides }]) =>
    decides === 'sometimes' ? [shown[field] == null ? '0' : '1'] : [],
  );
  return { revision: shown.revision, ...(seen.includes('1') && { seen: seen.join('') }) };
}
