import type { Types } from 'mongoose';
import { type AuditOrigin, SYSTEM } from './audit-event.ts';
import type { LivingDocument } from './life.ts';
import { isStillReferenced, refuseWhereRestricted } from './parents.ts';
import { CONDEMNED, Removal, removeDocuments } from './references.ts';
import { livingModels, modelNamed } from './relations.ts';

/**
 * Documents that can be restored no more. One that went with another is removed with that: as long as that can come
 * back, it can too.
 */
const purgeable = (now: Date) => ({ purgeAt: { $exists: true, $lte: now }, deletedWith: { $exists: false } });

/**
 * Removes a document whose time is over, with whatever the relations to it say: that first, in batches, the document
 * last, with its audit event. Nothing restores it from the first step on; so whoever is killed midway leaves a document
 * that is still to be purged, and the next run goes on with it.
 * @returns what became of it; `none` when it is not one to purge, `restricted` when something still refers to it
 */
export async function purgeDocument(
  modelName: string,
  id: Types.ObjectId,
  origin: AuditOrigin = SYSTEM,
): Promise<'purged' | 'restricted' | 'none'> {
  const model = modelNamed(modelName);
  const now = new Date();
  const due = { _id: id, ...purgeable(now) };
  if (!(await model.exists(due))) return 'none';
  try {
    // Before anything is done: what cannot be purged as a whole stays as a whole.
    await refuseWhereRestricted(undefined, modelName, [id]);
    if ((await model.collection.updateOne(due, CONDEMNED(now))).matchedCount === 0) return 'none';
    await removeDocuments(new Removal(origin), model, [id]);
    return 'purged';
  } catch (error) {
    if (isStillReferenced(error)) return 'restricted';
    throw error;
  }
}

/** So many are read at a time. */
const READ = 100;

/**
 * Purges all documents that are due, the longest overdue first, until `signal` says to end.
 * @returns how many were purged; what is still referred to is left for another time
 */
export async function purgeDueDocuments(signal: AbortSignal): Promise<number> {
  let count = 0;
  for (const model of livingModels()) {
    const due = model.find(purgeable(new Date()), { _id: 1 }).sort({ purgeAt: 1 }).lean<LivingDocument[]>();
    for await (const { _id } of due.cursor({ batchSize: READ })) {
      if (signal.aborted) return count;
      if ((await purgeDocument(model.modelName, _id)) === 'purged') count += 1;
    }
  }
  return count;
}

/** How many documents are due. */
export async function countDueDocuments(): Promise<number> {
  const due = purgeable(new Date());
  const counts = await Promise.all(livingModels().map((model) => model.countDocuments(due)));
  return counts.reduce((sum, count) => sum + count, 0);
}
