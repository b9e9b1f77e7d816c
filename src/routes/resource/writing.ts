import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Transaction, transaction } from '../../database.ts';
import { AppError, type ErrorCode } from '../../errors.ts';
import { isAdminRule, type OwnRule } from '../../lib/access-rules.ts';
import { and, type Filter, NONE, type StoredDocument } from '../../models/document.ts';
import { filterOf, passesFilter } from '../../models/document-access.ts';
import {
  createDocument,
  deleteDocument,
  type Referable,
  removeDocument,
  restoreDocument,
  updateDocument,
} from '../../models/document-change.ts';
import { isIdText, toId } from '../../models/ids.ts';
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
import type { Operation, Plan, Step, Steps } from './declaration.ts';
import { reachOfFields, shownFields, versionOf, withoutHidden } from './field-reach.ts';
import { reachToMove } from './moving.ts';
import { callerOf, nestedFilter, reachOf, reachOne } from './reach.ts';
import { findResource } from './registry.ts';
import { addRoute, paramsOf, problemsOf } from './route.ts';
import { shower } from './show.ts';

type Body = Readonly<Record<string, unknown>>;

/** Of what takes values that are stored. */
const VALUE_PROBLEMS: readonly ErrorCode[] = [...BODY_PROBLEMS, 'value-taken'];

const changeOf = ({ model }: Plan, tx: Transaction, { origin }: FastifyRequest) => ({ model, tx, origin });

/** What may be referred to: what its own collection lets the caller read; administration refers to anything that is there. */
function referableTo(plan: Plan, operation: 'create' | 'update', request: FastifyRequest, tx: Transaction): Referable {
  return async (path, parentName) => {
    if (plan.kind === 'admin') return {};
    const { create, update } = plan.rules;
    const rule = [create, update].find((each) => each && !isAdminRule(each) && 'path' in each && each.path === path);
    // Whose a new document is, its own rule has decided; one that moves elsewhere has to be allowed there.
    if (rule && operation === 'create' && rule === create) return {};
    if (rule && !isAdminRule(rule)) return placesOf(rule, request, tx);
    const parent = findResource(parentName);
    return parent ? parent.visibleTo(callerOf(request), tx) : {};
  };
}

/** Where a rule lets documents belong to: accounts or teams, as a filter of those. */
async function placesOf(rule: OwnRule, request: FastifyRequest, tx: Transaction): Promise<Filter | null> {
  const { body } = request as { body: Body };
  const teamId = rule.kind === 'team' && isIdText(body[rule.path]) ? { teamId: toId(String(body[rule.path])) } : {};
  const filter = await filterOf(rule, callerOf(request), { ...teamId, tx });
  return filter && 'path' in rule ? { _id: filter[rule.path] } : filter;
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

/** What the caller is shown of a document that they have changed. */
async function shownTo(plan: Plan, operation: Operation, request: FastifyRequest, document: StoredDocument) {
  return withoutHidden(document, await shownFields(plan, operation, request, document));
}

/** The values that say whom a new document belongs to, and what it is by the rule: never its body. */
async function belongingOf(plan: Plan, request: FastifyRequest, body: Body, tx: Transaction): Promise<Filter> {
  const rule = plan.rules.create;
  const nested = nestedFilter(plan, request.params);
  if (rule === undefined || isAdminRule(rule)) return nested;
  if (rule.kind === 'owner') return { ...nested, [rule.path]: callerOf(request).userId };
  if (rule.kind !== 'team') return { ...nested, ...rule.where };
  const teamId = nested[rule.path] ?? teamIn(body[rule.path], rule.path);
  // Not a member, or not in a role that may: which teams there are is told to nobody.
  const reach = await reachOf(plan, 'create', request, { within: { [rule.path]: teamId }, tx });
  if (reach === null) throw await refusal(plan, request, rule.path, teamId, tx);
  return { ...nested, [rule.path]: teamId };
}

/** @throws {AppError} `validation-failed` */
function teamIn(id: unknown, path: string) {
  if (isIdText(id)) return toId(id);
  throw new AppError('validation-failed', {
    errors: [{ pointer: `/${path}`, code: 'required', detail: 'is required' }],
  });
}

/** Members who may read, and not write, are told so. */
async function refusal(plan: Plan, request: FastifyRequest, path: string, teamId: unknown, tx: Transaction) {
  const sees = plan.rules.read && (await reachOf(plan, 'read', request, { within: { [path]: teamId }, tx }));
  return new AppError(sees ? 'forbidden' : 'not-found');
}

/**
 * Makes a document of what a client sent, and of what the URL and the rule say.
 * @throws {AppError} `forbidden` for a field that is not the caller's to write, and whatever `createDocument` does
 */
async function createFrom(plan: Plan, request: FastifyRequest, tx: Transaction): Promise<StoredDocument> {
  const body = request.body as Body;
  const { fill } = stepsOf(plan);
  const belonging = await belongingOf(plan, request, body, tx);
  const fields = await reachOfFields(plan.creates, Object.keys(body), request, { values: belonging, tx });
  if (fields === null) throw new AppError('forbidden');
  const values = { ...body, ...fill?.(body, callerOf(request)), ...belonging };
  const made = { values, named: plan.nested };
  const document = await createDocument(changeOf(plan, tx, request), made, referableTo(plan, 'create', request, tx));
  if (!fields.every((filter) => passesFilter(document, filter))) throw new AppError('forbidden');
  return document;
}

export function createRoute(app: App, plan: Plan): void {
  const show = shower(plan.view, plan.notStored);
  const { created } = stepsOf(plan);
  addRoute(app, plan, 'create', {
    ...(plan.nested.length > 0 && { params: paramsOf(plan, false) }),
    headers: idempotencyKey,
    body: ref(plan.create),
    response: {
      201: { ...ref(plan.view), description: 'It is made.', headers: headers('ETag', 'Location') },
      ...problemsOf(plan, 'create', ...VALUE_PROBLEMS, ...IDEMPOTENCY_PROBLEMS, 'not-found', 'forbidden'),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const made = await transaction(async (tx) => {
        const document = await createFrom(plan, request, tx);
        await created?.(stepOf(app, request, tx, document));
        return document;
      });
      const { pathname } = new URL(request.url, 'http://service');
      const shown = await shownTo(plan, 'create', request, made);
      void reply
        .code(201)
        .header('location', `${pathname.replace(/\/$/, '')}/${made._id.toHexString()}`)
        .header('etag', etagOf(versionOf(plan, shown)));
      return show(shown);
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
      ...problemsOf(plan, 'update', ...VALUE_PROBLEMS, 'not-found', 'forbidden', 'precondition-failed'),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const body = request.body as Body;
      const changed = await transaction(async (tx) => {
        const which = await reachToChange(plan, 'update', request, tx);
        const fields = await reachOfFields(plan.updates, Object.keys(body), request, { tx });
        // To write the others too is not theirs: whether they see the document decides how they are told.
        const filter = fields ? and(which.filter, ...fields, await reachToMove(plan, request, tx)) : NONE;
        const wanted = { ...which, visible: which.visible ?? which.filter, filter };
        const change = changeOf(plan, tx, request);
        const document = await updateDocument(change, wanted, body, referableTo(plan, 'update', request, tx));
        // What a field asks of its document, the change itself may not have undone.
        if (!fields?.every((each) => passesFilter(document, each))) throw new AppError('forbidden');
        await updated?.({ ...stepOf(app, request, tx, document), changes: Object.keys(body) });
        return document;
      });
      const shown = await shownTo(plan, 'update', request, changed);
      return sendVersioned(request, reply, versionOf(plan, shown), show(shown));
    },
  });
}

/** Which document, and what its caller may see of the collection, to tell what is not theirs from what is not there. */
export async function reachToChange(
  plan: Plan,
  operation: 'update' | 'delete',
  request: FastifyRequest,
  tx: Transaction,
) {
  const precondition = preconditionOf(request);
  const { id = '' } = request.params as { id?: string };
  const within = { _id: toId(id) };
  const visible = plan.rules.read ? await reachOf(plan, 'read', request, { within, tx }) : null;
  const filter = await reachOf(plan, operation, request, { within, tx });
  if (filter === null && visible === null) throw new AppError('not-found');
  return {
    // Nothing is theirs to change, though they see it.
    filter: filter ?? NONE,
    ...(visible && { visible }),
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
      const shown = await shownTo(plan, 'restore', request, document);
      return sendVersioned(request, reply, versionOf(plan, shown), show(shown));
    },
  });
}
