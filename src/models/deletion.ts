import type { ClientSession } from 'mongoose';
import { AppError } from '../errors.ts';
import { hasLife, LIVE, type LivingDocument } from './life.ts';
import { holdParents, refuseWhereRestricted } from './parents.ts';
import { modelNamed, type Relation, relationsOf, relationsTo } from './relations.ts';

interface Named {
  readonly modelName: string;
}

type Filter = Readonly<Record<string, unknown>>;

/** The relations by which documents follow the soft deletion of one of this model: those that go with it, and can be deleted softly. */
export const followersOf = (modelName: string): readonly Relation[] =>
  relationsTo(modelName).filter(({ child, onDelete }) => onDelete === 'cascade' && hasLife(child));

/** Marks a document whose followers have something to follow. */
export const settlingOf = (modelName: string): { settling?: true } =>
  followersOf(modelName).length > 0 ? { settling: true } : {};

/**
 * Soft-deletes the live document that `filter` matches. What belongs to it follows when the transaction has committed:
 * call `settle` then; the schedule does so too.
 * @returns the document as it is now; null when there is none
 * @throws {AppError} `still-referenced`
 */
export async function markDeleted(
  tx: ClientSession,
  { modelName }: Named,
  filter: Filter,
  { purgeAt, now }: { readonly purgeAt: Date; readonly now: Date },
): Promise<LivingDocument | null> {
  const document = await modelNamed(modelName)
    .findOneAndUpdate(
      { ...filter, ...LIVE },
      { $set: { deletedAt: now, purgeAt, updatedAt: now, ...settlingOf(modelName) }, $inc: { revision: 1 } },
      { session: tx, returnDocument: 'after' },
    )
    .lean<LivingDocument>();
  if (document) await refuseWhereRestricted(tx, modelName, [document._id]);
  return document;
}

/**
 * Brings back a soft-deleted document whose time is not over. One that went with another comes back with that alone.
 * What went with this one follows, as in `markDeleted`.
 * @returns the document as it is now; null when there is none to restore
 * @throws {AppError} `parent-deleted` when what it would go with is deleted itself
 */
export async function unmarkDeleted(
  tx: ClientSession,
  { modelName }: Named,
  filter: Filter,
  now: Date,
): Promise<LivingDocument | null> {
  const restorable = { deletedAt: { $exists: true }, purgeAt: { $gt: now }, deletedWith: { $exists: false } };
  const document = await modelNamed(modelName)
    .findOneAndUpdate(
      { ...filter, ...restorable },
      {
        $unset: { deletedAt: 1, purgeAt: 1 },
        $set: { updatedAt: now, ...settlingOf(modelName) },
        $inc: { revision: 1 },
      },
      { session: tx, returnDocument: 'after' },
    )
    .lean<LivingDocument>();
  if (document) await refuseWithoutParents(tx, modelName, document);
  return document;
}

async function refuseWithoutParents(tx: ClientSession, modelName: string, document: LivingDocument): Promise<void> {
  for (const { path, parentName, onDelete } of relationsOf(modelName)) {
    const id = document[path] as LivingDocument['_id'] | undefined;
    // The deletion of others does not take it along, so neither does it keep it from coming back.
    if (!id || onDelete !== 'cascade') continue;
    if ((await holdParents(tx, parentName, [id])).length > 0) throw new AppError('parent-deleted');
  }
}
