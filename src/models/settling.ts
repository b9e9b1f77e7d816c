import type { ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import { followersOf, settlingOf } from './deletion.ts';
import { isFollowed, LIVE, type LivingDocument } from './life.ts';
import { BATCH, holdParents } from './parents.ts';
import { type AnyModel, followedModels, modelNamed, type Relation, relationsOf } from './relations.ts';

/** Documents of one model. */
interface Some {
  readonly modelName: string;
  readonly ids: readonly Types.ObjectId[];
}

/** So many documents are settled together: whoever comes to refer to one of them meanwhile waits for all. */
const TOGETHER = 50;

/** As the partial index has it. */
const SETTLING = { settling: { $exists: true, $eq: true } } as const;

/**
 * Makes what belongs to a document follow its deletion or its restoration, through all generations, in batches of a
 * transaction each. Each batch writes the document that it follows, so that it conflicts with whoever deletes, restores
 * or comes to refer to that one; the mark goes with the batch that finds nothing left to do. So it may be killed, run
 * by several at once, and be overtaken by the opposite: the last state of the document is what everything follows.
 */
export const settle = (modelName: string, id: Types.ObjectId, signal?: AbortSignal): Promise<void> =>
  settleSome({ modelName, ids: [id] }, signal);

async function settleSome(first: Some, signal?: AbortSignal): Promise<void> {
  const waiting = [first];
  for (let some = waiting.pop(); some && !signal?.aborted; some = waiting.pop()) {
    const step = some;
    const moved = await transaction((tx) => settleStep(tx, step));
    if (!moved) continue;
    waiting.push(step);
    if (followersOf(moved.modelName).length > 0)
      for (let at = 0; at < moved.ids.length; at += TOGETHER)
        waiting.push({ modelName: moved.modelName, ids: moved.ids.slice(at, at + TOGETHER) });
  }
}

/** @returns what has followed and may have followers itself; undefined when all have, and the marks are gone */
async function settleStep(tx: ClientSession, { modelName, ids }: Some): Promise<Some | undefined> {
  const model = modelNamed(modelName);
  const marked = { _id: { $in: ids }, ...SETTLING };
  await model.updateMany(marked, { $inc: { childrenRevision: 1 } }, { session: tx, timestamps: false });
  const parents = await model.find(marked, undefined, { session: tx }).lean<LivingDocument[]>();
  const deleted = parents.filter(({ deletedAt }) => deletedAt);
  const live = parents.filter(({ deletedAt }) => !deletedAt);
  for (const relation of followersOf(modelName)) {
    const moved = (await takeAlong(tx, relation, deleted)) ?? (await bringBack(tx, relation.child, live));
    if (moved) return moved;
  }
  const settled = { _id: { $in: parents.map(idOf) } };
  await model.updateMany(settled, { $unset: { settling: 1 } }, { session: tx, timestamps: false });
  return undefined;
}

const idOf = ({ _id }: LivingDocument): Types.ObjectId => _id;

/** Soft-deletes live documents that belong to deleted ones. */
async function takeAlong(
  tx: ClientSession,
  { child, path }: Relation,
  parents: readonly LivingDocument[],
): Promise<Some | undefined> {
  if (parents.length === 0) return undefined;
  const left = await child
    .find({ [path]: { $in: parents.map(idOf) }, ...LIVE }, { [path]: 1 }, { session: tx, limit: BATCH })
    .lean<LivingDocument[]>();
  const following = parents.map((parent) => ({
    parent,
    documents: left.filter((each) => parent._id.equals(each[path] as Types.ObjectId)),
  }));
  await follow(tx, child, following);
  return left.length > 0 ? { modelName: child.modelName, ids: left.map(idOf) } : undefined;
}

interface Following {
  readonly parent: LivingDocument;
  readonly documents: readonly LivingDocument[];
}

/** Gives documents the end of the one that they go with. */
async function follow(tx: ClientSession, child: AnyModel, following: readonly Following[]): Promise<void> {
  const writes = following
    .filter(({ documents }) => documents.length > 0)
    .map(({ parent: { _id: deletedWith, deletedAt, purgeAt }, documents }) => {
      const set = { deletedAt, purgeAt, deletedWith, updatedAt: new Date(), ...settlingOf(child.modelName) };
      const update = { $set: set, $inc: { revision: 1 } };
      return { updateMany: { filter: { _id: { $in: documents.map(idOf) } }, update } };
    });
  if (writes.length > 0) await child.bulkWrite(writes, { session: tx });
}

/**
 * Brings back what went with documents that are live again. What belongs to another one that is deleted stays deleted,
 * and comes back with that.
 */
async function bringBack(
  tx: ClientSession,
  child: AnyModel,
  parents: readonly LivingDocument[],
): Promise<Some | undefined> {
  if (parents.length === 0) return undefined;
  const gone = await child
    .find({ deletedWith: { $exists: true, $in: parents.map(idOf) } }, undefined, { session: tx, limit: BATCH })
    .lean<LivingDocument[]>();
  if (gone.length === 0) return undefined;
  const staying = await stayWithOthers(tx, child, gone);
  const back = gone.filter(({ _id }) => !staying.has(String(_id)));
  const change = {
    $unset: { deletedAt: 1, purgeAt: 1, deletedWith: 1 },
    $set: { updatedAt: new Date(), ...settlingOf(child.modelName) },
    $inc: { revision: 1 },
  };
  await child.updateMany({ _id: { $in: back.map(idOf) } }, change, { session: tx });
  return { modelName: child.modelName, ids: gone.map(idOf) };
}

/** Hands documents over to another deleted one that they belong to. @returns the ids of those */
async function stayWithOthers(
  tx: ClientSession,
  child: AnyModel,
  documents: readonly LivingDocument[],
): Promise<ReadonlySet<string>> {
  const staying = new Set<string>();
  for (const { path, parentName, onDelete } of relationsOf(child.modelName)) {
    if (onDelete !== 'cascade' || !isFollowed(modelNamed(parentName))) continue;
    const ids = documents.flatMap((each) => (each[path] as Types.ObjectId | undefined) ?? []);
    for (const parent of await holdParents(tx, parentName, ids)) {
      const own = documents.filter((each) => parent._id.equals(each[path] as Types.ObjectId));
      const these = own.filter(({ _id }) => !staying.has(String(_id)));
      await follow(tx, child, [{ parent, documents: these }]);
      for (const { _id } of these) staying.add(String(_id));
    }
  }
  return staying;
}

/** Models whose documents may have followers, and so be marked. */
const markedModels = (): AnyModel[] => followedModels().filter(({ modelName }) => followersOf(modelName).length > 0);

/**
 * Settles whatever nobody has, until `signal` says to end.
 * @returns how many documents were found to settle
 */
export async function settleAll(signal: AbortSignal): Promise<number> {
  let count = 0;
  for (const model of markedModels())
    while (!signal.aborted) {
      const found = await model.find(SETTLING, { _id: 1 }).limit(TOGETHER).lean<LivingDocument[]>();
      if (found.length === 0) break;
      await settleSome({ modelName: model.modelName, ids: found.map(idOf) }, signal);
      count += found.length;
    }
  return count;
}

/** How many there are. */
export async function countUnsettled(): Promise<number> {
  const counts = await Promise.all(markedModels().map((model) => model.countDocuments(SETTLING)));
  return counts.reduce((sum, count) => sum + count, 0);
}
