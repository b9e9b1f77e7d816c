import type { ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import { type AuditEventInput, type AuditOrigin, recordAuditEvents } from './audit-event.ts';
import { forgetImages } from './journaling.ts';
import { hasLife } from './life.ts';
import { BATCH, stillReferenced } from './parents.ts';
import { type AnyModel, personalPathsOf, type Relation, relationsTo } from './relations.ts';

type Ids = readonly Types.ObjectId[];

/** Documents by collection. */
export type Counts = Readonly<Record<string, number>>;

/** A removal of documents for good, and what it has done so far. */
export class Removal {
  readonly origin: AuditOrigin;
  readonly #tx: ClientSession | undefined;
  readonly #removed: Record<string, number> = {};
  readonly #detached: Record<string, number> = {};

  /** Whether all of it was removed before, and has come back: what restricts is removed too, as it had been. */
  readonly again: boolean;

  /** @param tx makes all of it one transaction; without it, each batch is one */
  constructor(origin: AuditOrigin, tx?: ClientSession, { again = false } = {}) {
    this.origin = origin;
    this.#tx = tx;
    this.again = again;
  }

  /** For what may stand alone, as it can be repeated. */
  get session(): { session?: ClientSession } {
    return this.#tx ? { session: this.#tx } : {};
  }

  inTransaction<T>(work: (tx: ClientSession) => Promise<T>): Promise<T> {
    return this.#tx ? work(this.#tx) : transaction(work);
  }

  /** What went. */
  get removed(): Counts {
    return { ...this.#removed };
  }

  /** What has lost its reference, and stays. */
  get detached(): Counts {
    return { ...this.#detached };
  }

  noteRemoved({ collection: { collectionName: name } }: AnyModel, count: number): void {
    this.#removed[name] = (this.#removed[name] ?? 0) + count;
  }

  noteDetached({ collection: { collectionName: name } }: AnyModel, count: number): void {
    this.#detached[name] = (this.#detached[name] ?? 0) + count;
  }
}

/** Documents that are being removed further up, by model: references may lead in a circle. */
type Above = ReadonlyMap<string, Ids>;

/** Long over, by whatever clock. */
const OVER = new Date(0);

/**
 * From here on nothing restores these documents, and nothing new refers to them: whatever becomes of the rest of their
 * removal, they are to be removed.
 */
export const CONDEMNED = (now: Date) => ({
  $set: { deletedAt: now, purgeAt: OVER },
  $unset: { deletedWith: 1, settling: 1 },
  $inc: { revision: 1 },
});

/**
 * Does to whatever refers to documents what its relation says, in batches: it goes, with all that refers to it, or it
 * stays without the reference. Nothing new may come to refer to them any more. It may be killed and run again.
 * @throws {AppError} `still-referenced` by a relation that restricts; what was done before stays done
 */
export async function removeReferences(
  removal: Removal,
  modelName: string,
  ids: Ids,
  above: Above = new Map(),
): Promise<void> {
  const these = new Map(above).set(modelName, [...(above.get(modelName) ?? []), ...ids]);
  for (const relation of relationsTo(modelName)) {
    const { child } = relation;
    const onDelete = removal.again && relation.onDelete === 'restrict' ? 'cascade' : relation.onDelete;
    if (onDelete === 'cascade') removal.noteRemoved(child, 0);
    for (;;) {
      const batch = await referring(removal, relation, ids, these);
      if (batch.length === 0) break;
      if (onDelete === 'restrict') throw stillReferenced(child.collection.collectionName);
      if (onDelete === 'cascade') await removeDocuments(removal, child, batch, these);
      else await detach(removal, relation, batch, ids);
    }
  }
}

/** Some of those that refer to them and are not being removed already; none when there are no more. */
async function referring({ session }: Removal, { child, path }: Relation, ids: Ids, above: Above): Promise<Ids> {
  const besides = new Set((above.get(child.modelName) ?? []).map(String));
  const found = await child.collection
    .find({ [path]: { $in: [...ids] } }, { projection: { _id: 1 }, limit: BATCH + besides.size, ...session })
    .toArray();
  const others = found.map(({ _id }) => _id as Types.ObjectId).filter((id) => !besides.has(String(id)));
  return others.slice(0, BATCH);
}

/** Removes documents for good, with what refers to them. */
export async function removeDocuments(
  removal: Removal,
  model: AnyModel,
  ids: Ids,
  above: Above = new Map(),
): Promise<void> {
  if (hasLife(model))
    await model.collection.updateMany({ _id: { $in: [...ids] } }, CONDEMNED(new Date()), removal.session);
  await removeReferences(removal, model.modelName, ids, above);
  const count = await (hasLife(model) ? removeRecorded(removal, model, ids) : removeBare(removal, model, ids));
  removal.noteRemoved(model, count);
}

/** What belongs to an account is told of by the event of its purge. */
const removeBare = (removal: Removal, { collection }: AnyModel, ids: Ids): Promise<number> =>
  removal.inTransaction(async (session) => {
    const { deletedCount } = await collection.deleteMany({ _id: { $in: [...ids] } }, { session });
    await forgetImages(session, collection, ids);
    return deletedCount;
  });

/** With an event for each. Of several who remove the same, one does. */
const removeRecorded = (removal: Removal, { collection }: AnyModel, ids: Ids): Promise<number> =>
  removal.inTransaction(async (session) => {
    const found = await collection.find({ _id: { $in: [...ids] } }, { projection: { _id: 1 }, session }).toArray();
    const there = found.map(({ _id }) => _id as Types.ObjectId);
    if (there.length === 0) return 0;
    await collection.deleteMany({ _id: { $in: there } }, { session });
    await forgetImages(session, collection, there);
    await recordAuditEvents(session, removal.origin, there.map(eventOf(collection, { action: 'document.purged' })));
    return there.length;
  });

const eventOf =
  ({ collectionName: collection }: AnyModel['collection'], event: Omit<AuditEventInput, 'target'>) =>
  (id: Types.ObjectId): AuditEventInput => ({ ...event, target: { collection, id } });

/** Takes the reference from documents that stay, and with `anonymise` all that tells of a person. */
async function detach(removal: Removal, { child, path, onDelete }: Relation, batch: Ids, ids: Ids): Promise<void> {
  const changes = [path, ...(onDelete === 'anonymise' ? personalPathsOf(child).filter((each) => each !== path) : [])];
  const counted = child.schema.path('revision') !== undefined;
  const change = {
    $unset: Object.fromEntries(changes.map((each) => [each, 1 as const])),
    ...(counted && { $inc: { revision: 1 } }),
    ...(child.schema.path('updatedAt') && { $set: { updatedAt: new Date() } }),
  };
  const count = await removal.inTransaction(async (session) => {
    const referring = { _id: { $in: [...batch] }, [path]: { $in: [...ids] } };
    const found = await child.collection.find(referring, { projection: { _id: 1 }, session }).toArray();
    const there = found.map(({ _id }) => _id as Types.ObjectId);
    if (there.length === 0) return 0;
    await child.collection.updateMany({ _id: { $in: there } }, change, { session });
    const event = eventOf(child.collection, { action: 'document.updated', changes });
    await recordAuditEvents(session, removal.origin, there.map(event));
    return there.length;
  });
  removal.noteDetached(child, count);
}
