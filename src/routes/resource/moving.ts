import type { FastifyRequest } from 'fastify';
import type { Transaction } from '../../database.ts';
import { and, type Filter, NONE, type StoredDocument } from '../../models/document.ts';
import { passesFilter } from '../../models/document-access.ts';
import { isIdText, toId } from '../../models/ids.ts';
import type { Plan } from './declaration.ts';
import { reachOfFields } from './field-reach.ts';
import { reachOf } from './reach.ts';

/**
 * What a change asks besides of a document whose team it names: that it is of that team already, or the caller's to
 * move. Whoever takes it to another team takes it from everybody here, as a deletion does, with all that it holds: so
 * those may who delete it, and read and write every field of it.
 */
export async function reachToMove(plan: Plan, request: FastifyRequest, tx: Transaction): Promise<Filter> {
  const rule = plan.rules.update;
  const body = request.body as Readonly<Record<string, unknown>>;
  if (rule?.kind !== 'team' || !(rule.path in body)) return {};
  const named = body[rule.path];
  const team = isIdText(named) ? { [rule.path]: toId(named) } : undefined;
  return { $or: [...(team ? [team] : []), await reachToTakeAway(plan, request, tx, team)] };
}

async function reachToTakeAway(plan: Plan, request: FastifyRequest, tx: Transaction, team?: Filter): Promise<Filter> {
  const { id = '' } = request.params as { id?: string };
  const removable = await reachOf(plan, 'delete', request, { within: { _id: toId(id) }, tx });
  const read = await reachOfFields(plan.reads, [...plan.reads.keys()], request, { tx });
  if (removable === null || read === null) return NONE;
  const written: Filter[] = [];
  for (const field of plan.updates.keys()) {
    const here = await reachOfFields(plan.updates, [field], request, { tx });
    if (here === null) return NONE;
    written.push(...here);
    // Not theirs to write there, so not theirs to take there: the document has to be without.
    if (team && !here.every((filter) => reaches(filter, team))) written.push({ [field]: { $exists: false } });
  }
  return and(removable, ...read, ...written);
}

/** Whether a filter that may name teams names that one. */
const reaches = (filter: Filter, team: Filter): boolean =>
  Object.keys(team).every(
    (path) => !(path in filter) || passesFilter(team as StoredDocument, { [path]: filter[path] }),
  );
