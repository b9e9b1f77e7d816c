import type { FastifyReply, FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { type Transaction, transaction } from '../../database.ts';
import { AppError } from '../../errors.ts';
import { and, type Filter, findDocument } from '../../models/document.ts';
import { assertChangeable } from '../../models/document-change.ts';
import { inOrder, type Link, linkedIds, putLink, removeLink } from '../../models/document-links.ts';
import { toId } from '../../models/ids.ts';
import { LIVE } from '../../models/life.ts';
import {
  BODY_PROBLEMS,
  closed,
  headers,
  Id,
  NoContent,
  Page,
  pageQuery,
  ref,
  signedInProblems,
} from '../../schemas/common.ts';
import type { App } from '../../types/fastify.ts';
import { cursorFor, linkToNext } from '../representations.ts';
import type { LinkRelation, Plan } from './declaration.ts';
import { junctionOf, linkView, targetFor } from './include.ts';
import { positionsOf } from './link-positions.ts';
import { pascal } from './plan.ts';
import { callerOf, reachOne } from './reach.ts';
import { isPublic, problemsOf, tagOf } from './route.ts';
import { reachToChange } from './writing.ts';

/** A relation of a resource with what its routes need. */
interface LinkPlan {
  readonly plan: Plan;
  readonly name: string;
  readonly relation: LinkRelation;
  /** `/notes/:id/tags` */
  readonly url: string;
}

/** The many-to-many relations of a plan. */
export const linkPlans = (plan: Plan): LinkPlan[] =>
  Object.entries(plan.include).flatMap(([name, relation]) =>
    relation.kind === 'links' ? [{ plan, name, relation, url: `${plan.path}/:id/${name}` }] : [],
  );

const paramsOf = ({ plan, relation }: LinkPlan, both: boolean): TSchema =>
  closed(Object.fromEntries([...plan.nested, 'id', ...(both ? [relation.to] : [])].map((name) => [name, Id])));

/**
 * The ends of a link: a document that the caller may change, and another that they see.
 * @throws {AppError} `not-found`, `forbidden` for a document that they see and may not change
 */
async function endsOf({ plan, relation }: LinkPlan, request: FastifyRequest, tx: Transaction) {
  const from = await changeable(plan, request, tx);
  const to = await relation.of().visibleTo(callerOf(request), tx);
  if (to === null) throw new AppError('not-found');
  return {
    from: { modelName: plan.options.model.modelName, filter: from },
    to: { modelName: relation.of().modelName, filter: to },
  };
}

async function changeable(plan: Plan, request: FastifyRequest, tx: Transaction): Promise<Filter> {
  const { filter, visible } = await reachToChange(plan, 'update', request, tx);
  await assertChangeable({ model: plan.model, tx }, { filter, ...(visible && { visible }) });
  return filter;
}

/** The others that a document is linked to, a page at a time. */
export function linkListRoute(app: App, links: LinkPlan): void {
  const { plan, name, relation, url } = links;
  const target = relation.of();
  app.route({
    method: 'GET',
    url,
    schema: {
      operationId: `list${pascal(plan.options.name)}${pascal(name)}`,
      summary: `List the ${name} of a ${plan.options.name}`,
      tags: [tagOf(plan)],
      params: paramsOf(links, false),
      querystring: closed(pageQuery),
      response: {
        200: { ...ref(pageOf(links)), description: 'A page of them.', headers: headers('Link') },
        ...problemsOf(plan, 'read', 'not-found', 'invalid-cursor'),
      },
    },
    config: { ...(isPublic(plan, 'read') && { optionalSession: true }) },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { limit = 20, cursor } = request.query as { limit?: number; cursor?: string };
      const cursors = cursorFor(`${plan.collection}:${name}`, request.params as Record<string, string>);
      const positions = positionsOf(request, relation, (request.params as { id: string }).id);
      const given = cursors.read(cursor);
      const after = given && positions.open(given);
      const found = await findDocument(plan.model, and(await reachOne(plan, 'read', request), LIVE), {
        projection: { _id: 1 },
      });
      if (!found) throw new AppError('not-found');
      const end = { path: relation.from, id: found._id };
      const { ids, next } = await linkedIds(junctionOf(relation), end, { limit, ...(after && { after }) });
      const other = await targetFor(target, request);
      const documents = other ? await inOrder(other.model, ids, other.filter, other.projection) : [];
      const nextCursor = next && cursors.write(positions.close(next));
      linkToNext(request, reply, nextCursor);
      return { items: documents.map((document) => target.show(document, request.server.deps.keyring)), nextCursor };
    },
  } as never);
}

const pages = new Map<string, TSchema & { $id: string }>();

/** Named, as two relations may lead to the same collection. */
export function pageOf({ plan, name, relation }: LinkPlan): TSchema & { readonly $id: string } {
  const $id = `${plan.view.$id}${pascal(name)}Page`;
  const made =
    pages.get($id) ??
    Object.assign(
      Type.Object(
        (
          Page(Type.Unsafe<unknown>({ $ref: `${relation.of().viewId}#` }), name) as unknown as {
            properties: Record<string, TSchema>;
          }
        ).properties,
        { additionalProperties: false, $id },
      ),
      { $id },
    );
  pages.set($id, made);
  return made;
}

function linkFrom({ relation }: LinkPlan, request: FastifyRequest, tx: Transaction): Link {
  const { id = '', [relation.to]: other = '' } = request.params as Record<string, string>;
  return { ...junctionOf(relation), tx, origin: request.origin, fromId: toId(id), toId: toId(other) };
}

/** Whoever may change the document links it, to what they may see. */
export function linkRoutes(app: App, links: LinkPlan): void {
  const { plan, name, relation, url } = links;
  const fields = Object.keys(relation.fields);
  const view = closed({ id: Id, ...relation.fields });
  const one = `${plan.options.name}${pascal(name)}`;
  app.route({
    method: 'PUT',
    url: `${url}/:${relation.to}`,
    schema: {
      operationId: `put${pascal(one)}`,
      summary: `Link a ${plan.options.name} to one of its ${name}`,
      description: 'Linked already: what the link says is changed.',
      tags: [tagOf(plan)],
      params: paramsOf(links, true),
      ...(fields.length > 0 && { body: closed(relation.fields as never, { examples: [exampleOf(relation)] }) }),
      response: {
        200: { ...view, description: 'It is linked.' },
        ...signedInProblems(...(fields.length > 0 ? BODY_PROBLEMS : []), 'not-found', 'forbidden', 'too-many-links'),
      },
    },
    handler: async (request: FastifyRequest) => {
      const said = (request.body ?? {}) as Record<string, unknown>;
      const put = await transaction(async (tx) =>
        putLink(linkFrom(links, request, tx), await endsOf(links, request, tx), said),
      );
      return linkView(relation, put);
    },
  } as never);
  app.route({
    method: 'DELETE',
    url: `${url}/:${relation.to}`,
    schema: {
      operationId: `delete${pascal(one)}`,
      summary: `Take the link of a ${plan.options.name} to one of its ${name} away`,
      description: 'Also when there is none.',
      tags: [tagOf(plan)],
      params: paramsOf(links, true),
      response: { 204: NoContent, ...signedInProblems('not-found', 'forbidden') },
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      await transaction(async (tx) => {
        await changeable(plan, request, tx);
        await removeLink(linkFrom(links, request, tx));
      });
      return reply.code(204).send(null);
    },
  } as never);
}

const exampleOf = ({ fields }: LinkRelation) =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, schema]) => {
      const { examples = [] } = schema as { examples?: unknown[] };
      return examples.length > 0 ? [[name, examples[0]]] : [];
    }),
  );
