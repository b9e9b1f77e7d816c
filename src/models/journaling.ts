import { type AnyBulkWriteOperation, BSON, type Collection, type Document } from 'mongodb';
import { type ClientSession, Types } from 'mongoose';
import { beforeCommit, isTransaction, transaction } from '../database.ts';
import { isPlain, projected } from '../lib/projection.ts';
import { Journal } from './journal.ts';

/**
 * Keeps the journal of collections: whatever writes to one of them, by whatever path, leaves the image of each document
 * that it has changed, in the transaction of the change. It stands where all writes of this process pass, mongoose's own
 * too, so that no call site can forget it. A write outside of any transaction gets one.
 */

type Native = Collection<Document>;
type Options = { session?: ClientSession; projection?: Document; returnDocument?: 'before' | 'after' } & Document;
type Id = Types.ObjectId | string;

/** Which account paths an image has, by collection. */
export interface Journaled {
  readonly collection: object;
  readonly name: string;
  /** Paths that hold ids of accounts. */
  readonly accountPaths: readonly string[];
}

/** Of one document in one transaction: its last image, absent where it has to be read, `null` once it is removed. */
interface Touched {
  readonly id: Id;
  image?: Document | null;
  revision?: number;
}

/** What a transaction has changed so far, by collection and document. */
type Changes = Map<Journaling, Map<string, Touched>>;

const changesOf = new WeakMap<ClientSession, Changes>();

/** Counts the changes of a document, in the document: whoever changes it after somebody else comes after them. */
const REVISION = 'journalRevision';

const counted = (update: Document): Document =>
  Array.isArray(update)
    ? [...update, { $set: { [REVISION]: { $add: [{ $ifNull: [`$${REVISION}`, 0] }, 1] } } }]
    : { ...update, $inc: { ...(update['$inc'] as object), [REVISION]: 1 } };

/** As it is now: whoever gave it or is handed it may go on changing it before the transaction ends. */
const copyOf = (document: Document): Document => BSON.deserialize(BSON.serialize(document));

/**
 * A document as it is inserted. Its changes are counted from the time on: one that is made anew under the id of one that
 * was removed comes after that, as nothing is changed a thousand times a second.
 */
const first = ({ _id = new Types.ObjectId(), ...document }: Document): Document =>
  // As the server puts them.
  copyOf({ _id, ...document, [REVISION]: Date.now() });

const isId = (value: unknown): value is Id => value instanceof Types.ObjectId || typeof value === 'string';

/** Of several that match, the one that is told of has to be the one that changes. */
const narrowed = (filter: Document, [id]: readonly Id[]): Document =>
  id === undefined || isId(filter['_id']) ? filter : { $and: [{ _id: id }, filter] };

/** The writes of one collection, as the driver has them, with what they leave in the journal. */
class Journaling {
  readonly name: string;
  readonly accountPaths: readonly string[];
  readonly #native: Native;

  constructor({ name, accountPaths }: Journaled, native: Native) {
    this.name = name;
    this.accountPaths = accountPaths;
    this.#native = native;
  }

  #touch({ session }: Options, touched: Touched): void {
    if (!session) return;
    const changes: Changes = changesOf.get(session) ?? new Map();
    const own = changes.get(this) ?? new Map<string, Touched>();
    own.set(String(touched.id), touched);
    changes.set(this, own);
    changesOf.set(session, changes);
  }

  async insertOne(document: Document, options: Options): Promise<unknown> {
    const image = first(document);
    const result = await this.#native.insertOne(image as never, options);
    this.#touch(options, { id: image['_id'] as Id, image });
    return result;
  }

  async insertMany(documents: Document[], options: Options): Promise<unknown> {
    const images = documents.map(first);
    const result = await this.#native.insertMany(images as never, options);
    for (const image of images) this.#touch(options, { id: image['_id'] as Id, image });
    return result;
  }

  /** What the driver would choose: by the same order, the same index and the same comparison. */
  #chosen(filter: Document, { session, sort, hint, collation }: Options, projection: Document, one: boolean) {
    return this.#native
      .find(filter, {
        projection,
        ...(session && { session }),
        ...(sort && { sort }),
        ...(hint && { hint }),
        ...(collation && { collation }),
        ...(one && { limit: 1 }),
      })
      .toArray();
  }

  async #idsOf(filter: Document, options: Options, one: boolean): Promise<Id[]> {
    if (one && isId(filter['_id'])) return [filter['_id']];
    return (await this.#chosen(filter, options, { _id: 1 }, one)).map((each) => each._id as unknown as Id);
  }

  /** By the command that changes one and hands it back: the image costs no further one. */
  async updateOne(filter: Document, update: Document, options: Options): Promise<unknown> {
    // Paths that mongoose does not select by default are in the image, too.
    const { projection: _, ...others } = options;
    const told = { ...others, returnDocument: 'after', includeResultMetadata: true } as const;
    const result = (await this.#native.findOneAndUpdate(filter, counted(update), told)) as unknown as Document;
    const { lastErrorObject, value: image } = result;
    const upsertedId = (lastErrorObject?.['upserted'] ?? null) as Id | null;
    if (image) this.#touch(options, { id: image['_id'] as Id, image: image as Document });
    const matchedCount = image && upsertedId === null ? 1 : 0;
    const upsertedCount = upsertedId === null ? 0 : 1;
    return { acknowledged: true, matchedCount, modifiedCount: matchedCount, upsertedCount, upsertedId };
  }

  async updateMany(filter: Document, update: Document, options: Options): Promise<unknown> {
    const ids = await this.#idsOf(filter, options, false);
    const result = await this.#native.updateMany(filter, counted(update), options);
    if (result.upsertedId) this.#touch(options, { id: result.upsertedId as unknown as Id });
    for (const id of ids) this.#touch(options, { id });
    return result;
  }

  /** Updates alone: whatever else a bulk can do would pass by. */
  async bulkWrite(operations: readonly Document[], options: Options): Promise<unknown> {
    const writes: AnyBulkWriteOperation<Document>[] = [];
    const ids: Id[] = [];
    for (const operation of operations) {
      const [kind = '', ...others] = Object.keys(operation);
      const one = kind === 'updateOne';
      if (others.length > 0 || !(one || kind === 'updateMany') || operation[kind].upsert)
        throw new Error(`${this.name} is journaled: ${kind} in a bulk would pass the journal by`);
      const { filter, update, ...more } = operation[kind] as Document;
      const own = await this.#idsOf(filter as Document, options, one);
      ids.push(...own);
      const which = one ? narrowed(filter as Document, own) : filter;
      writes.push({ [kind]: { ...more, filter: which, update: counted(update as Document) } } as never);
    }
    const result = await this.#native.bulkWrite(writes, options);
    for (const id of ids) this.#touch(options, { id });
    return result;
  }

  async findOneAndUpdate(filter: Document, update: Document, options: Options): Promise<unknown> {
    // Of one that is made by an upsert, and not given back, the rest alone tells the id.
    const after = options.returnDocument === 'after' && isPlain(options.projection);
    const { projection, ...others } = options;
    const told = { ...(after ? others : options), includeResultMetadata: true };
    const result = (await this.#native.findOneAndUpdate(filter, counted(update), told)) as unknown as Document;
    const { lastErrorObject, value } = result;
    const id = (value?.['_id'] ?? lastErrorObject?.['upserted']) as Id | undefined;
    if (id !== undefined) this.#touch(options, { id, ...(after && value && { image: copyOf(value) }) });
    const given = after && value ? projected(value, projection) : value;
    return options['includeResultMetadata'] ? { ...result, value: given } : given;
  }

  async deleteMany(filter: Document, options: Options): Promise<unknown> {
    return this.#removed(filter, options, false, (which) => this.#native.deleteMany(which, options));
  }

  async deleteOne(filter: Document, options: Options): Promise<unknown> {
    return this.#removed(filter, options, true, (which) => this.#native.deleteMany(which, options));
  }

  async findOneAndDelete(filter: Document, options: Options): Promise<unknown> {
    return this.#removed(filter, options, true, (which) => this.#native.findOneAndDelete(which, options));
  }

  async #removed(
    filter: Document,
    options: Options,
    one: boolean,
    remove: (which: Document) => Promise<unknown>,
  ): Promise<unknown> {
    const found = await this.#chosen(filter, options, { [REVISION]: 1 }, one);
    if (found.length === 0) return remove(filter);
    const result = await remove({ _id: { $in: found.map(({ _id }) => _id) } });
    for (const { _id, [REVISION]: revision = 0 } of found)
      this.#touch(options, { id: _id as unknown as Id, image: null, revision: Number(revision) + 1 });
    return result;
  }

  /** The images that are not known yet. What is gone meanwhile has an entry of its own. */
  async complete(session: ClientSession, touched: readonly Touched[]): Promise<Touched[]> {
    const unknown = touched.filter(({ image }) => image === undefined).map(({ id }) => id);
    if (unknown.length === 0) return [...touched];
    const read = await this.#native.find({ _id: { $in: unknown as never[] } }, { session }).toArray();
    return [
      ...touched.filter(({ image }) => image !== undefined),
      ...read.map((image) => ({ id: image._id as unknown as Id, image: image as Document })),
    ];
  }
}

const WRITES = [
  'insertOne',
  'insertMany',
  'updateOne',
  'updateMany',
  'bulkWrite',
  'findOneAndUpdate',
  'deleteOne',
  'deleteMany',
  'findOneAndDelete',
] as const;

/** Writes of the driver that nobody uses on a journaled collection: they would pass by. */
const REFUSED = ['replaceOne', 'findOneAndReplace', 'initializeOrderedBulkOp', 'initializeUnorderedBulkOp'] as const;

const kept = new WeakSet<object>();

/** From here on every write to a collection is journaled. Said twice it is done once. */
export function keepJournal(journaled: Journaled): void {
  const { collection, name } = journaled;
  if (kept.has(collection)) return;
  kept.add(collection);
  const original = collection as unknown as Native & Record<string, (...args: unknown[]) => Promise<unknown>>;
  // The methods as they are now, whatever stands in their place afterwards.
  const native = Object.create(original) as Native;
  for (const method of [...WRITES, 'find'] as const)
    Object.defineProperty(native, method, { value: original[method]?.bind(original) });
  const journaling = new Journaling(journaled, native);
  for (const method of WRITES) {
    const write = async (...args: unknown[]): Promise<unknown> => {
      const last = args.length - 1;
      const arity = method.startsWith('update') || method === 'findOneAndUpdate' ? 3 : 2;
      const options = (args.length === arity ? args[last] : {}) as Options;
      const values = args.length === arity ? args.slice(0, -1) : args;
      const within = (session: ClientSession) =>
        (journaling[method] as (...all: unknown[]) => Promise<unknown>)(...values, { ...options, session });
      if (!options.session) return transaction(within);
      if (!isTransaction(options.session)) throw new Error(`${name} is journaled: it changes by transaction() alone`);
      return within(options.session);
    };
    Object.defineProperty(original, method, { value: write, configurable: true, writable: true });
  }
  for (const method of REFUSED) {
    const refuse = () => {
      throw new Error(`${name} is journaled: ${method} would pass the journal by`);
    };
    Object.defineProperty(original, method, { value: refuse, configurable: true });
  }
}

/**
 * Removes what the journal tells of documents that go for good, as a purge promises. That they are gone stays in it.
 */
export async function forgetImages(
  tx: ClientSession,
  collection: { readonly collectionName: string },
  ids: readonly unknown[],
): Promise<void> {
  if (!kept.has(collection)) return;
  await Journal.deleteMany({ collection: collection.collectionName, documentId: { $in: [...ids] } }, { session: tx });
}

const accountsIn = ({ name, accountPaths }: Journaling, { id, image }: Touched): Types.ObjectId[] => [
  ...(name === 'users' ? [id as Types.ObjectId] : []),
  ...accountPaths.flatMap((path) => (image?.[path] instanceof Types.ObjectId ? [image[path]] : [])),
];

/** Writes what a transaction has changed into the journal, at its end. */
async function write(session: ClientSession): Promise<void> {
  const changes = changesOf.get(session);
  if (!changes) return;
  changesOf.delete(session);
  const [transactionId, at] = [new Types.ObjectId(), new Date()];
  const entries: Document[] = [];
  for (const [journaling, touched] of changes)
    for (const each of await journaling.complete(session, [...touched.values()])) {
      const accounts = accountsIn(journaling, each);
      entries.push({
        transactionId,
        at,
        collection: journaling.name,
        documentId: each.id,
        revision: each.image ? Number(each.image[REVISION] ?? 0) : each.revision,
        ...(each.image && { image: each.image }),
        ...(accounts.length > 0 && { accounts }),
        unshipped: true,
      });
    }
  if (entries.length > 0) await Journal.collection.insertMany(entries as never, { session });
}

beforeCommit({ begin: (session) => void changesOf.delete(session), write });
