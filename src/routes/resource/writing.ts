import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Transaction, transaction } from '../../database.ts';
import { AppError, type ErrorCode } from '../../errors.ts';
import { isAdminRule } from '../../lib/access-rules.ts';
import { and, type Filter, findDocument, type StoredDocument } from '../../models/document.ts';
import {
  createDocument,
  deleteDocument,
  type Referable,
  removeDocument,
  restoreDocument,
  updateDocument,
} from '../../models/document-change.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  idempotencyKey,
  ifMatch,
  NoContent,
  ref,
} from '../../schemas/common.ts';
import type { App } from '../../types/fastify.ts';
import { letFollow } from '../followers.ts';
import { etagOf, preconditionOf, sendVersioned } from '../representations.ts';
import type { Plan, Step, Steps } from './declaration.ts';
import type { FieldRules } from './fields.ts';
import { callerOf, nestedFilter, projectionFor, reachOf, reachOfFields, reachOne } from './reach.ts';
import { findResource } from './registry.ts';
import { addRoute, paramsOf, problemsOf } from './route.ts';
import { shower } from './show.ts';

type Body = Readonly<Record<string, unknown>>;

/** Problems of whatever refers to something. */
const reading: readonly ErrorCode[] = [...BODY_PROBLEMS, 'value-taken'];

const changeOf = ({ model }: Plan, tx: Transaction, { origin }: FastifyRequest) => ({ model, tx, origin });

/** What may be referred to: what its own collection lets the caller read; administration refers to anything that is there. */
function referableTo({ kind, rules }: Plan, request: FastifyRequest, tx: Transaction): Referable {
  return async (path, parentName) => {
    if (kind === 'admin') return {};
    // Whom and which team a document belongs to, its own rule has decided.
    const rule = rules.create;
    if (rule && !isAdminRule(rule) && 'path' in rule && rule.path === path) return {};
    const parent = findResource(parentName);
    return parent ? parent.visibleTo(callerOf(request), tx) : {};
  };
}

const stepsOf = ({ options }: Plan): Steps<StoredDocument> => (options.steps ?? {}) as unknown as Steps<StoredDocument>;

const stepOf = (
  app: App,
  request: FastifyRequest,
  tx: Transaction,
  document: StoredDocument,
): Step<StoredDocument> => ({
  tx,
  document,
  origin: request.origin,
  caller: callerOf(request),
  deps: app.deps,
  config: app.config,
});

/** What is not there for the caller is answered by what it shows: fields that only some may read are read anew. */
async function shownTo(plan: Plan, request: FastifyRequest, document: StoredDocument): Promise<StoredDocument> {
  const projection = await projectionFor(plan, request);
  if (projection === plan.projection) return document;
  return (await findDocument(plan.model, { _id: document._id }, { projection })) ?? document;
}

/** The values that say whom a new document belongs to: never its body. */
async function belongingOf(plan: Plan, request: FastifyRequest, body: Body, tx: Transaction): Promise<Filter> {
  const rule = plan.rules.create;
  const nested = nestedFilter(plan, request.params);
  if (rule === undefined || isAdminRule(rule)) return nested;
  if (rule.kind === 'owner') return { ...nested, [rule.path]: callerOf(request).userId };
  if (rule.kind !== 'team') return nested;
  const teamId = nested[rule.path] ?? plan.model.castObject({ [rule.path]: body[rule.path] })[rule.path as never];
  // Not a member, or not in a role that may: which teams there are is told to nobody.
  const reach = await reachOf(plan, 'create', request, { within: { [rule.path]: teamId }, tx });
  if (reach === null) throw await refusal(plan, request, rule.path, teamId, tx);
  return { ...nested, [rule.path]: teamId };
}

/** Members who may read, and not write, are told so. */
async function refusal(plan: Plan, request: FastifyRequest, path: string, teamId: unknown, tx: Transaction) {
  const sees = plan.rules.read && (await reachOf(plan, 'read', request, { within: { [path]: teamId }, tx }));
  return new AppError(sees ? 'forbidden' : 'not-found');
}

async function refuseFields(
  rules: FieldRules,
  body: Body,
  request: FastifyRequest,
  belonging: Filter,
  tx: Transaction,
) {
  const reach = await reachOfFields(rules, Object.keys(body), request, { teamId: belonging['teamId'], tx });
  if (reach === null) throw new AppError('forbidden');
  return reach;
}

export function createRoute(app: App, plan: Plan): void {
  const show = shower(plan.view, plan.notStored);
  const { fill, created } = stepsOf(plan);
  addRoute(app, plan, 'create', {
    ...(plan.nested.length > 0 && { params: paramsOf(plan, false) }),
    headers: idempotencyKey,
    body: ref(plan.create),
    response: {
      201: { ...ref(plan.view), description: 'It is made.', headers: headers('ETag', 'Location') },
      ...problemsOf(plan, 'create', ...reading, ...IDEMPOTENCY_PROBLEMS, 'not-found', 'forbidden'),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const body = request.body as Body;
      const made = await transaction(async (tx) => {
        const belonging = await belongingOf(plan, request, body, tx);
        await refuseFields(plan.creates, body, request, belonging, tx);
        const values = { ...body, ...fill?.(body, callerOf(request)), ...belonging };
        const document = await createDocument(changeOf(plan, tx, request), values, referableTo(plan, request, tx));
        await created?.(stepOf(app, request, tx, document));
        return document;
      });
      const { pathname } = new URL(request.url, 'http://service');
      void reply
        .code(201)
        .header('location', `${pathname.replace(/\/$/, '')}/${made._id.toHexString()}`)
        .header('etag', etagOf(made));
      return show(await shownTo(plan, request, made));
    },
  });
}

export function updateRoute(app: App, plan: Plan): void {
  const show = shower(plan.view, plan.notStored);
  const { updated } = stepsOf(plan);
  addRoute(app, plan, 'update', {
    params: paramsOf(plan, true),
    headers: ifMatch,
    body: ref(plan.patch),
    response: {
      200: { ...ref(plan.view), description: 'It is as it is now.', headers: headers('ETag') },
      ...problemsOf(plan, 'update', ...reading, 'not-found', 'forbidden', 'precondition-failed'),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const body = request.body as Body;
      const changed = await transaction(async (tx) => {
        const which = await reachToChange(plan, 'update', request, tx);
        const fields = await reachOfFields(plan.updates, Object.keys(body), request, { tx });
        if (fields === null) throw new AppError('forbidden');
        const wanted = { ...which, filter: and(which.filter, fields) };
        const change = changeOf(plan, tx, request);
        const document = await updateDocument(change, wanted, body, referableTo(plan, request, tx));
        await updated?.({ ...stepOf(app, request, tx, document), changes: Object.keys(body) });
        return document;
      });
      return sendVersioned(request, reply, changed, show(await shownTo(plan, request, changed)));
    },
  });
}

/** Which document, and what its caller may see of the collection, to tell what is not theirs from what is not there. */
async function reachToChange(plan: Plan, operation: 'update' | 'delete', request: FastifyRequest, tx: Transaction) {
  const precondition = preconditionOf(request);
  const visible = plan.rules.read ? await reachOf(plan, 'read', request, { tx }) : null;
  const { id = '' } = request.params as { id?: string };
  const _id = plan.model.castObject({ _id: id })._id;
  const filter = await reachOf(plan, operation, request, { tx });
  if (filter === null && visible === null) throw new AppError('not-found');
  return {
    // Nothing is theirs to change, though they see it.
    filter: filter === null ? { _id: { $in: [] } } : and({ _id }, filter),
    ...(visible && { visible: and({ _id }, visible) }),
    ...(precondition && { precondition }),
  };
}

export function deleteRoute(app: App, plan: Plan): void {
  const { deleted } = stepsOf(plan);
  const hard = plan.options.removal === 'hard';
  const days = app.config.DELETED_DOCUMENT_RETENTION_DAYS;
  addRoute(app, plan, 'delete', {
    description: hard
      ? 'It is gone for good.'
      : `It can be restored for a time (\`DELETED_DOCUMENT_RETENTION_DAYS\`), then it is gone for good.`,
    params: paramsOf(plan, true),
    headers: ifMatch,
    response: {
      204: NoContent,
      ...problemsOf(
        plan,
        'delete',
        'not-found',
        'forbidden',
        'precondition-failed',
        ...(hard ? [] : (['still-referenced'] as const)),
      ),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const document = await transaction(async (tx) => {
        const which = await reachToChange(plan, 'delete', request, tx);
        const change = changeOf(plan, tx, request);
        const gone = hard ? await removeDocument(change, which) : await deleteDocument(change, which, purgeAt(days));
        await deleted?.(stepOf(app, request, tx, gone));
        return gone;
      });
      if (document['settling'] === true) await letFollow(request, plan.model.modelName, document._id);
      return reply.code(204).send(null);
    },
  });
}

const DAY_MS = 86_400_000;
const purgeAt = (days: number): Date => new Date(Date.now() + days * DAY_MS);

export function restoreRoute(app: App, plan: Plan): void {
  const show = shower(plan.view, plan.notStored);
  const { restored } = stepsOf(plan);
  addRoute(app, plan, 'restore', {
    description: 'What was deleted with it comes back with it.',
    params: paramsOf(plan, true),
    headers: idempotencyKey,
    response: {
      200: { ...ref(plan.view), description: 'It is back.', headers: headers('ETag') },
      ...problemsOf(plan, 'restore', ...IDEMPOTENCY_PROBLEMS, 'not-found', 'restore-period-over', 'parent-deleted'),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const document = await transaction(async (tx) => {
        const filter = await reachOne(plan, 'restore', request, tx);
        const back = await restoreDocument(changeOf(plan, tx, request), { filter });
        await restored?.(stepOf(app, request, tx, back));
        return back;
      });
      if (document['settling'] === true) await letFollow(request, plan.model.modelName, document._id);
      return sendVersioned(request, reply, document, show(await shownTo(plan, request, document)));
    },
  });
}
