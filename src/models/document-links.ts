import { type ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { and, asInputProblem, type DocumentModel, type Filter, findDocument, type StoredDocument } from './document.ts';
import { type Junction, MAX_LINKS } from './document-include.ts';
import type { DocumentPage, ListRequest } from './document-list.ts';
import { LIVE } from './life.ts';
import { holdParent } from './parents.ts';

/** A link of a junction, from one document to another. */
export interface Link extends Junction {
  readonly tx: ClientSession;
  readonly origin: AuditOrigin;
  readonly fromId: Types.ObjectId;
  readonly toId: Types.ObjectId;
}

const pairOf = ({ from, to, fromId, toId }: Link): Filter => ({ [from]: fromId, [to]: toId });

function act(
  { model, tx, origin, to }: Link,
  action: 'document.created' | 'document.updated' | 'document.deleted',
  id: Types.ObjectId,
  changes: readonly string[] = [to],
) {
  const target = { collection: model.collection.collectionName, id };
  return recordAuditEvent(tx, origin, { action, target, changes });
}

interface Ends {
  /** The model and filter of each end, so that what is not the caller's is never linked. */
  readonly from: { readonly modelName: string; readonly filter: Filter };
  readonly to: { readonly modelName: string; readonly filter: Filter };
}

/**
 * Links two documents, or changes what the link says. Both are held, so that neither is deleted beside this, and so
 * that links of one document are counted without a race.
 * @throws {AppError} `not-found` for either end, `too-many-links`, `validation-failed`
 */
export async function putLink(
  link: Link,
  ends: Ends,
  fields: Readonly<Record<string, unknown>>,
): Promise<StoredDocument> {
  const { model, tx, from, fromId, toId } = link;
  for (const [end, id] of [
    [ends.from, fromId],
    [ends.to, toId],
  ] as const)
    if (!(await holdParent(tx, end.modelName, and({ _id: id }, end.filter)))) throw new AppError('not-found');
  const known = await findDocument(model, pairOf(link), { tx });
  if (known) {
    const changed = await model
      .findOneAndUpdate(
        { _id: known._id },
        { $set: fields },
        { session: tx, returnDocument: 'after', runValidators: true },
      )
      .lean<StoredDocument>()
      .catch((error: unknown) => {
        throw asInputProblem(model, error);
      });
    await act(link, 'document.updated', known._id, Object.keys(fields));
    return changed ?? known;
  }
  const count = await model.countDocuments({ [from]: fromId }, { session: tx, limit: MAX_LINKS });
  if (count >= MAX_LINKS) throw new AppError('too-many-links');
  const document = await new model({ ...fields, ...pairOf(link), createdAt: new Date() })
    .save({ session: tx })
    .catch((error: unknown) => {
      throw asInputProblem(model, error);
    });
  await act(link, 'document.created', document._id);
  return document.toObject() as StoredDocument;
}

/** Takes a link away. @returns whether there was one */
export async function removeLink(link: Link): Promise<boolean> {
  const removed = await link.model.findOneAndDelete(pairOf(link), { session: link.tx }).lean<StoredDocument>();
  if (removed) await act(link, 'document.deleted', removed._id);
  return removed !== null;
}

/** Documents that are linked to another one, a page of them in the order of their links, the newest link last. */
export async function linkedIds(
  { model, from, to }: Junction,
  end: { readonly path: string; readonly id: Types.ObjectId },
  page: { readonly limit: number; readonly after?: string },
): Promise<{ ids: Types.ObjectId[]; next: string | null }> {
  const other = end.path === from ? to : from;
  const read = await model.collection
    .find(
      {
        [end.path]: end.id,
        ...(page.after !== undefined && { [other]: { $lt: new Types.ObjectId(page.after) } }),
      } as never,
      { sort: { [other]: -1 }, limit: page.limit + 1, projection: { [other]: 1 }, hint: { [end.path]: 1, [other]: 1 } },
    )
    .toArray();
  const ids = read.slice(0, page.limit).map((link) => link[other] as Types.ObjectId);
  return { ids, next: read.length > page.limit ? String(ids.at(-1)) : null };
}

/** Those of these ids that pass the filter, in the order of the ids. */
export async function inOrder(
  model: DocumentModel,
  ids: readonly Types.ObjectId[],
  filter: Filter,
  projection: Filter,
): Promise<StoredDocument[]> {
  const found = model.collection.find(and({ _id: { $in: [...ids] } }, filter) as never, { projection });
  const byId = new Map(((await found.toArray()) as StoredDocument[]).map((each) => [each._id.toHexString(), each]));
  return ids.flatMap((id) => byId.get(id.toHexString()) ?? []);
}

/** So many pages of links are read for one page of documents: what is hidden must not cost without end. */
const ROUNDS = 5;

/** A page of the documents that are linked to another one, newest first. Shorter than asked for where many are hidden. */
export async function listLinked(
  model: DocumentModel,
  { junction, id }: { readonly junction: Junction; readonly id: Types.ObjectId },
  { within, limit, after, projection = {} }: ListRequest,
): Promise<DocumentPage> {
  const documents: StoredDocument[] = [];
  let next = after?.id ?? null;
  for (let round = 0; round < ROUNDS && documents.length < limit; round += 1) {
    const page = { limit: limit - documents.length, ...(next !== null && { after: next }) };
    const { ids, next: following } = await linkedIds(junction, { path: junction.to, id }, page);
    documents.push(...(await inOrder(model, ids, and(within, LIVE), projection)));
    next = following;
    if (next === null) break;
  }
  return { documents, next: next === null ? null : { key: '', id: next } };
}
