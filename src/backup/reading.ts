import { type ClientSession, type Db, type MongoClient, MongoServerError, ObjectId } from 'mongodb';

/** How a database is read while others write to it. */
export interface Reading {
  /** Whether all of it is as it was at one moment. */
  readonly isOfOneMoment: boolean;
  /** The documents of a collection as BSON, in the order of `_id`. */
  documents(collection: string): AsyncIterable<Uint8Array>;
  /** Entries of the journal from a time on: their ids begin with it. */
  journal(from: Date): AsyncIterable<Uint8Array>;
}

/** What servers say when they no longer have the moment at which a transaction began. */
const MOMENT_IS_GONE: ReadonlySet<unknown> = new Set([
  239, // SnapshotTooOld
  246, // SnapshotUnavailable
  251, // NoSuchTransaction
  290, // TransactionExceededLifetimeLimitSeconds
]);

const BATCH = 1_000;

/**
 * Reads everything as it was at one moment, if the server keeps that moment long enough (MongoDB does for a minute);
 * else `work` is done anew with collections as they are when their turn comes.
 */
export async function readAtOneMoment<T>(
  client: MongoClient,
  db: Db,
  work: (reading: Reading) => Promise<T>,
): Promise<T> {
  try {
    return await client.withSession(async (session) => {
      session.startTransaction({ readConcern: { level: 'snapshot' }, readPreference: 'primary' });
      try {
        return await work(readingOf(db, session));
      } finally {
        await session.abortTransaction().catch(() => {});
      }
    });
  } catch (error) {
    if (!(error instanceof MongoServerError && MOMENT_IS_GONE.has(error.code))) throw error;
    return work(readingOf(db));
  }
}

/** Reads what is there when its turn comes; within a session, as it was when that began. */
export const readingOf = (db: Db, session?: ClientSession): Reading => {
  // Nothing is parsed: a copy of a document is the same bytes.
  const options = { raw: true, batchSize: BATCH, ...(session && { session }) };
  return {
    isOfOneMoment: session !== undefined,
    documents: (collection) =>
      db.collection(collection).find({}, options).sort({ _id: 1 }) as unknown as AsyncIterable<Uint8Array>,
    journal: (from) =>
      db
        .collection('journal')
        .find({ _id: { $gte: ObjectId.createFromTime(Math.floor(from.getTime() / 1000)) } }, options)
        .sort({ _id: 1 }) as unknown as AsyncIterable<Uint8Array>,
  };
};
