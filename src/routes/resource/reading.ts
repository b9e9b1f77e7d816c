import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { sameRule } from '../../lib/access-rules.ts';
import { recordAuditEvent } from '../../models/audit-event.ts';
import { and, type Filter, findDocument } from '../../models/document.ts';
import { listLinked } from '../../models/document-links.ts';
import { countDocuments, type DocumentPosition, type ListRequest, listDocuments } from '../../models/document-list.ts';
import { toId } from '../../models/ids.ts';
import { LIVE } from '../../models/life.ts';
import { closed, headers, ref } from '../../schemas/common.ts';
import type { App } from '../../types/fastify.ts';
import { cursorFor, linkToNext, sendVersioned } from '../representations.ts';
import type { LinkRelation, Plan } from './declaration.ts';
import { projectionOf, shownFields, versionOf } from './field-reach.ts';
import { inclusionsOf, junctionOf, targetFor } from './include.ts';
import { positionsOf } from './link-positions.ts';
import { includeParameter, listQuery, listsDeleted, teamParameter } from './plan.ts';
import { equalitiesIn, nestedFilter, reachOf, reachOne } from './reach.ts';
import { addRoute, paramsOf, problemsOf } from './route.ts';
import { shower } from './show.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the caller is told of: reads of other people's things are recorded before they are answered. */
async function recordRead(
  { kind, collection }: Plan,
  request: FastifyRequest,
  found: { id: Filter['_id'] } | { count: number },
) {
  if (kind !== 'admin') return;
  const origin = request.origin;
  if ('count' in found)
    await recordAuditEvent(undefined, origin, {
      action: 'documents.listed',
      target: { collection },
      count: found.count,
    });
  else
    await recordAuditEvent(undefined, origin, {
      action: 'document.read',
      target: { collection, id: found.id as never },
    });
}

/** Conditions of a request by path, as stored: a Date by its two ends, everything else by its value. */
function filtersIn({ lists, model }: Plan, query: Query): Record<string, unknown> {
  const cast = (path: string, value: unknown, name = path): unknown => {
    try {
      return model.schema.path(path).cast(value);
    } catch (cause) {
      // There are times of the right format that never were.
      const errors = [{ pointer: `?${name}`, code: 'invalid-format', detail: 'is no such value' }];
      throw new AppError('validation-failed', { errors, cause });
    }
  };
  return Object.fromEntries(
    lists.filters.flatMap((path) => {
      if (model.schema.path(path).instance !== 'Date')
        return query[path] === undefined ? [] : [[path, cast(path, query[path])]];
      const stem = path.replace(/At$/, '');
      const [after, before] = [query[`${stem}After`], query[`${stem}Before`]];
      const range = {
        ...(after !== undefined && { $gt: cast(path, after, `${stem}After`) }),
        ...(before !== undefined && { $lt: cast(path, before, `${stem}Before`) }),
      };
      return Object.keys(range).length === 0 ? [] : [[path, range]];
    }),
  );
}

export function listRoute(app: App, plan: Plan): void {
  const query = listQuery(plan);
  const cursorScope = `${plan.kind}:${plan.collection}`;
  const show = shower(plan.view, plan.notStored);
  const team = teamParameter(plan);
  addRoute(app, plan, 'list', {
    querystring: query,
    ...(plan.nested.length > 0 && { params: paramsOf(plan, false) }),
    response: {
      200: { ...ref(plan.page), description: 'A page of them.', headers: headers('Link') },
      ...problemsOf(
        plan,
        'list',
        'invalid-cursor',
        'unsupported-sort',
        ...(plan.nested.length > 0 || team !== undefined ? (['not-found'] as const) : []),
        ...(plan.kind === 'own' && mayBeRefused(plan) ? (['forbidden'] as const) : []),
      ),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { limit = 20, cursor, sort, deleted, include, total, ...others } = request.query as Query;
      const cursors = cursorFor(cursorScope, { ...(request.params as object), ...others, sort, deleted });
      const after = cursors.read(cursor as string | undefined) as DocumentPosition | undefined;
      const within = team === undefined ? {} : { [team]: toId(String(others[team])) };
      const reach = await reachOf(plan, 'list', request, { within });
      // Who may see nothing of what the URL names is not told whether it is there.
      if (reach === null && (plan.nested.length > 0 || team !== undefined)) throw new AppError('not-found');
      if (reach === null)
        return { items: [], nextCursor: null, ...(total === true && { total: 0, totalCapped: false }) };
      const known = { ...nestedFilter(plan, request.params), ...within };
      const wanted = {
        within: deleted === true ? and(reach, await reachOfDeleted(plan, request, within)) : reach,
        filters: filtersIn(plan, others),
        ...(sort !== undefined && { sort: String(sort) }),
        ...(deleted === true && { deleted }),
      };
      const projection = projectionOf(plan, await shownFields(plan, 'list', request, known));
      const asked = { ...wanted, limit: Number(limit), projection, ...(after && { after }) };
      const through = linkFilter(plan, { ...others, total }, wanted);
      const page = through
        ? await listThrough(plan, through, request, asked)
        : await listDocuments(plan.model, plan.lists, asked);
      const nextCursor = page.next && cursors.write(page.next);
      linkToNext(request, reply, nextCursor);
      await recordRead(plan, request, { count: page.documents.length });
      const inclusions = await inclusionsOf(plan, include as string | undefined, page.documents, request);
      return {
        items: page.documents.map((document) => ({ ...show(document), ...inclusions?.linksOf(document) })),
        ...(inclusions && { included: inclusions.included }),
        nextCursor,
        ...(total === true && (await countDocuments(plan.model, plan.lists, wanted))),
      };
    },
  });
}

/** The relation that a list is narrowed by, with the other end. @throws {AppError} `unsupported-sort` beside anything else */
function linkFilter({ include }: Plan, query: Query, { filters, sort, deleted }: Partial<ListRequest>) {
  const asked = Object.values(include).flatMap((each) =>
    each.kind === 'links' && query[each.to] !== undefined ? [each] : [],
  );
  const [relation] = asked;
  if (relation === undefined) return undefined;
  const others = asked.length > 1 || Object.keys(filters ?? {}).length > 0 || deleted || query['total'];
  if (others || (sort !== undefined && sort !== '-id'))
    throw new AppError('unsupported-sort', {
      detail: `\`${relation.to}\` goes with no other filter, sort or total.`,
    });
  return { relation, id: toId(String(query[relation.to])) };
}

interface Through {
  readonly relation: LinkRelation;
  readonly id: ReturnType<typeof toId>;
}

/** What is linked to something: nothing where that is hidden from the caller, as if it were not there. */
async function listThrough({ model }: Plan, { relation, id }: Through, request: FastifyRequest, asked: ListRequest) {
  const positions = positionsOf(request, relation, id.toHexString());
  const { after, ...first } = asked;
  const behind = after ? { ...first, after: { key: '', id: positions.open(after) } } : first;
  const target = await targetFor(relation.of(), request);
  const end = target && (await findDocument(target.model, and({ _id: id }, target.filter), { projection: { _id: 1 } }));
  if (!end) return { documents: [], next: null };
  const { documents, next } = await listLinked(model, { junction: junctionOf(relation), id }, behind);
  return { documents, next: next && positions.close(next.id) };
}

/** Whether somebody may see the list, and not the deleted ones. */
const mayBeRefused = (plan: Plan): boolean => {
  const { list, restore } = plan.rules;
  return listsDeleted(plan) && list !== undefined && restore !== undefined && !sameRule(list, restore);
};

/** Deleted ones are shown to whoever may restore them. @throws {AppError} `forbidden` */
async function reachOfDeleted(plan: Plan, request: FastifyRequest, within: Filter): Promise<Filter> {
  if (plan.kind === 'admin' || !mayBeRefused(plan)) return {};
  const reach = await reachOf(plan, 'restore', request, { within });
  if (reach === null) throw new AppError('forbidden');
  return reach;
}

/** Administration sees deleted ones as well, as it does of accounts. */
const hidden = ({ kind }: Plan): Filter => (kind === 'admin' ? {} : LIVE);

export function readRoute(app: App, plan: Plan): void {
  const show = shower(plan.view, plan.notStored);
  const includes = Object.keys(plan.include).length > 0;
  addRoute(app, plan, 'read', {
    params: paramsOf(plan, true),
    ...(includes && { querystring: closed(includeParameter(plan.include)) }),
    response: {
      200: { ...ref(plan.view), description: 'The document.', headers: headers('ETag') },
      ...problemsOf(plan, 'read', 'not-found'),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const filter = await reachOne(plan, 'read', request);
      const projection = projectionOf(plan, await shownFields(plan, 'read', request, equalitiesIn(filter)));
      const document = await findDocument(plan.model, and(filter, hidden(plan)), { projection });
      if (document === null) throw new AppError('not-found');
      await recordRead(plan, request, { id: document._id });
      const { include } = request.query as { include?: string };
      const inclusions = await inclusionsOf(plan, include, [document], request);
      if (inclusions === undefined) return sendVersioned(request, reply, versionOf(plan, document), show(document));
      // What is included changes by itself: this answer has no version.
      return { ...show(document), ...inclusions.linksOf(document), included: inclusions.included };
    },
  });
}
