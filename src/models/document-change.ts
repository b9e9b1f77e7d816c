import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { type AuditAction, type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { markDeleted, unmarkDeleted } from './deletion.ts';
import {
  and,
  asInputProblem,
  type DocumentModel,
  defaultOf,
  type Filter,
  findDocument,
  type StoredDocument,
} from './document.ts';
import { LIVE } from './life.ts';
import { holdParent } from './parents.ts';
import { relationsOf, relationsTo } from './relations.ts';
import { onRevision, type Precondition } from './user-account.ts';

/** Which documents of another collection may be referred to from a path: those of the filter, `null` for none. */
export type Referable = (path: string, parentName: string) => Promise<Filter | null>;

/** What a new document is made of. */
interface NewDocument {
  readonly values: Readonly<Record<string, unknown>>;
  /** Paths that were no part of the input, such as those that a URL names: what they name is there or the URL is wrong. */
  readonly named?: readonly string[];
}

interface Change {
  readonly model: DocumentModel;
  readonly tx: ClientSession;
  readonly origin: AuditOrigin;
}

/** Which document, for whom: the filter holds the rule, so that nothing is loaded that is not to be changed. */
interface Which {
  readonly filter: Filter;
  /** What whoever asks may see, where that is more than what they may change: then a refusal is 403, not 404. */
  readonly visible?: Filter;
  readonly precondition?: Precondition;
}

function act({ model, tx, origin }: Change, action: AuditAction, id: Types.ObjectId, changes?: readonly string[]) {
  const target = { collection: model.collection.collectionName, id };
  return recordAuditEvent(tx, origin, { action, target, ...(changes && { changes }) });
}

/**
 * Makes a document with its audit event. What it refers to is held: it cannot be deleted beside this.
 * @throws {AppError} `validation-failed`, `value-taken`, `not-found` for what was named
 */
export async function createDocument(
  change: Change,
  { values, named = [] }: NewDocument,
  referable: Referable,
): Promise<StoredDocument> {
  const { model, tx } = change;
  await holdReferredTo(change, values, referable, named);
  const now = new Date();
  const document = await new model({ ...values, createdAt: now, updatedAt: now, revision: 1 })
    .save({ session: tx })
    .catch((error: unknown) => {
      throw asInputProblem(model, error);
    });
  await act(change, 'document.created', document._id);
  return document.toObject() as StoredDocument;
}

/** @throws {AppError} `validation-failed` at the path that names nothing, or nothing that may be referred to */
async function holdReferredTo(
  { model, tx }: Change,
  values: Readonly<Record<string, unknown>>,
  referable: Referable,
  named: readonly string[] = [],
): Promise<void> {
  for (const { path, parentName } of relationsOf(model.modelName)) {
    const id = values[path];
    if (id === undefined) continue;
    const filter = await referable(path, parentName);
    const held = filter !== null && (await holdParent(tx, parentName, and({ _id: castId(model, path, id) }, filter)));
    if (held) continue;
    if (named.includes(path)) throw new AppError('not-found');
    const errors = [
      { pointer: `/${path}`, code: 'not-found', detail: 'names nothing that is there, or nothing of yours' },
    ];
    throw new AppError('validation-failed', { errors });
  }
}

/**
 * Changes what is given; `null` removes, or sets the default, as if it had never been given. A change that changes nothing counts as one: its caller gets a new version.
 * @throws {AppError} `not-found`, `forbidden`, `precondition-failed`, `validation-failed`, `value-taken`
 */
export async function updateDocument(
  change: Change,
  which: Which,
  values: Readonly<Record<string, unknown>>,
  referable: Referable,
): Promise<StoredDocument> {
  const { model, tx } = change;
  const given = Object.entries(values).map(([path, value]) => [path, value ?? defaultOf(model, path)] as const);
  const set = Object.fromEntries(given.filter(([, value]) => value != null));
  const unset = Object.fromEntries(given.flatMap(([path, value]) => (value == null ? [[path, 1]] : [])));
  await holdReferredTo(change, set, referable);
  const updated = await model
    .findOneAndUpdate(
      and(which.filter, LIVE, onRevision(which.precondition)),
      { $set: { ...set, updatedAt: new Date() }, $unset: unset, $inc: { revision: 1 } },
      { session: tx, returnDocument: 'after', runValidators: true },
    )
    .lean<StoredDocument>()
    .catch((error: unknown) => {
      throw asInputProblem(model, error);
    });
  if (!updated) throw await whyNot(change, which);
  await act(change, 'document.updated', updated._id, Object.keys(values));
  return updated;
}

/** @throws {AppError} `validation-failed` */
function castId(model: DocumentModel, path: string, id: unknown): unknown {
  try {
    return model.schema.path(path).cast(id);
  } catch (error) {
    throw asInputProblem(model, error);
  }
}

/**
 * The document that is to be changed is there, and theirs to change.
 * @throws {AppError} `not-found`, `forbidden`
 */
export async function assertChangeable(change: Pick<Change, 'model' | 'tx'>, which: Omit<Which, 'precondition'>) {
  const { model, tx } = change;
  const found = await findDocument(model, and(which.filter, LIVE), { projection: { _id: 1 }, tx });
  if (!found) throw await whyNot(change, which);
}

/** Why nothing matched: it is not there for whoever asks, not theirs to change, or has changed meanwhile. */
async function whyNot(
  { model, tx }: Pick<Change, 'model' | 'tx'>,
  { filter, visible = filter }: Which,
): Promise<AppError> {
  const projection = { _id: 1 };
  if (await findDocument(model, and(filter, LIVE), { projection, tx })) return new AppError('precondition-failed');
  const seen = visible !== filter && (await findDocument(model, and(visible, LIVE), { projection, tx }));
  return new AppError(seen ? 'forbidden' : 'not-found');
}

/**
 * Soft delete: hidden everywhere, restorable until `purgeAt`. What refers to it follows by its own rule.
 * @throws {AppError} `not-found`, `forbidden`, `precondition-failed`, `still-referenced`
 */
export async function deleteDocument(change: Change, which: Which, purgeAt: Date): Promise<StoredDocument> {
  const { model, tx } = change;
  const filter = and(which.filter, onRevision(which.precondition));
  const deleted = await markDeleted(tx, model, filter, { purgeAt, now: new Date() });
  if (!deleted) throw await whyNot(change, which);
  await act(change, 'document.deleted', deleted._id);
  return deleted;
}

/**
 * Removes a document for good, where nothing refers to its collection: there is nothing to follow.
 * @throws {AppError} `not-found`, `forbidden`, `precondition-failed`
 */
export async function removeDocument(change: Change, which: Which): Promise<StoredDocument> {
  const { model, tx } = change;
  if (relationsTo(model.modelName).length > 0)
    throw new Error(`${model.modelName} is referred to, so its documents are deleted softly`);
  const filter = and(which.filter, LIVE, onRevision(which.precondition));
  const removed = await model.findOneAndDelete(filter, { session: tx }).lean<StoredDocument>();
  if (!removed) throw await whyNot(change, which);
  await act(change, 'document.deleted', removed._id);
  return removed;
}

/**
 * Brings a deleted document back, with what went with it.
 * @throws {AppError} `not-found` also for one that is not deleted, `restore-period-over`, `parent-deleted`
 */
export async function restoreDocument(change: Change, { filter }: Which): Promise<StoredDocument> {
  const { model, tx } = change;
  const now = new Date();
  const restored = await unmarkDeleted(tx, model, filter, now);
  if (!restored) {
    const late = await findDocument(model, and(filter, { purgeAt: { $lte: now } }), { projection: { _id: 1 }, tx });
    throw new AppError(late ? 'restore-period-over' : 'not-found');
  }
  await act(change, 'document.restored', restored._id);
  return restored;
}
