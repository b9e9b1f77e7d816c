import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { LIVE, type LivingDocument } from './life.ts';
import { type AnyModel, modelNamed, relationsTo } from './relations.ts';

/** So many ids go into one command. */
export const BATCH = 500;

/** What makes a document one that a new document may refer to. */
const liveOf = (modelName: string) => (modelName === 'User' ? { status: 'active' } : LIVE);

/**
 * To be called in the transaction that makes a document refer to another one: the write to the parent conflicts with a
 * deletion of it, so that one of the two sees what the other did. Neither `revision` nor `updatedAt` of it moves.
 * @param filter what the parent has to be besides live, its `_id` at least
 * @returns whether there is such a parent
 */
export async function holdParent(
  tx: ClientSession,
  parentName: string,
  filter: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { matchedCount } = await modelNamed(parentName).updateOne(
    { ...filter, ...liveOf(parentName) },
    { $inc: { childrenRevision: 1 } },
    { session: tx, timestamps: false },
  );
  return matchedCount > 0;
}

/**
 * The same for many documents of one kind, whether they are live or not: after this, nobody deletes or restores one of
 * them before the transaction is over.
 * @returns those that are deleted
 */
export async function holdParents(
  tx: ClientSession,
  parentName: string,
  ids: readonly Types.ObjectId[],
): Promise<LivingDocument[]> {
  const parent = modelNamed(parentName);
  const held = { _id: { $in: ids } };
  await parent.updateMany(held, { $inc: { childrenRevision: 1 } }, { session: tx, timestamps: false });
  return parent.find({ ...held, deletedAt: { $exists: true } }, undefined, { session: tx }).lean<LivingDocument[]>();
}

/**
 * Looks for what keeps documents from being deleted: whatever refers to them with `restrict`, or to what would go with
 * them. What is soft-deleted counts too, since it can be restored. Whatever comes to refer to the latter before that has
 * followed a deletion holds up the purge.
 * @throws {AppError} `still-referenced`
 */
export async function refuseWhereRestricted(
  tx: ClientSession | undefined,
  modelName: string,
  ids: readonly Types.ObjectId[],
): Promise<void> {
  const name = await restrictingCollection(tx, modelName, ids, new Set());
  if (name !== undefined) throw stillReferenced(name);
}

export const stillReferenced = (collectionName: string): AppError =>
  new AppError('still-referenced', {
    detail: `Something in ${collectionName} refers to it, or to what would go with it.`,
  });

/** Whether it is that refusal. */
export const isStillReferenced = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'still-referenced';

/** @param seen documents that were looked at, as references may lead in a circle */
async function restrictingCollection(
  tx: ClientSession | undefined,
  modelName: string,
  ids: readonly Types.ObjectId[],
  seen: Set<string>,
): Promise<string | undefined> {
  if (!mayBeRestricted(modelName)) return undefined;
  const fresh = ids.filter((id) => !seen.has(String(id)));
  for (const id of fresh) seen.add(String(id));
  if (fresh.length === 0) return undefined;
  for (const { child, path, onDelete } of relationsTo(modelName)) {
    const referring = { [path]: { $in: fresh } };
    const session = { session: tx ?? null };
    if (onDelete === 'restrict' && (await child.exists(referring).setOptions(session)))
      return child.collection.collectionName;
    if (onDelete !== 'cascade' || !mayBeRestricted(child.modelName)) continue;
    for await (const batch of batchesOf(tx, child, referring)) {
      const found = await restrictingCollection(tx, child.modelName, batch, seen);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Whether any relation could hold back a document of this model: most models have none, and cost no query. */
function mayBeRestricted(modelName: string, seen: ReadonlySet<string> = new Set()): boolean {
  if (seen.has(modelName)) return false;
  const further = new Set([...seen, modelName]);
  return relationsTo(modelName).some(
    ({ child, onDelete }) =>
      onDelete === 'restrict' || (onDelete === 'cascade' && mayBeRestricted(child.modelName, further)),
  );
}

/** The ids that `filter` finds, so many at a time. */
async function* batchesOf(tx: ClientSession | undefined, model: AnyModel, filter: Record<string, unknown>) {
  let last: Types.ObjectId | undefined;
  for (;;) {
    const found = await model
      .find({ ...filter, ...(last && { _id: { $gt: last } }) }, { _id: 1 })
      .session(tx ?? null)
      .sort({ _id: 1 })
      .limit(BATCH)
      .lean<{ _id: Types.ObjectId }[]>();
    last = found.at(-1)?._id;
    if (!last) return;
    yield found.map(({ _id }) => _id);
  }
}
