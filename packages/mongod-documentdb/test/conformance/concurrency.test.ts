import type { ClientSession, Collection, Db, Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

interface Counter {
  _id: string;
  n?: number;
  kind?: string;
}

let server: TestServer;
let client: MongoClient;
let db: Db;
let counters: Collection<Counter>;
let run = 0;

beforeAll(async () => {
  server = await startServer();
  client = await server.client({ maxPoolSize: 50 });
  db = client.db('concurrency');
});
afterAll(async () => {
  await server?.close();
});
beforeEach(async () => {
  counters = db.collection(`counters${run++}`);
  await counters.createIndex({ kind: 1 });
});

const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
const ascending = (numbers: (number | undefined)[]) => numbers.sort((a, b) => Number(a) - Number(b));
const increment = { $inc: { n: 1 } };
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

describe('writes of one document at once', () => {
  it('give each upsert a number of its own', async () => {
    for (let key = 0; key < 30; key++) {
      const results = await times(10, () =>
        counters.findOneAndUpdate(
          { _id: `k${key}` },
          { ...increment, $setOnInsert: { kind: 'new' } },
          { upsert: true, returnDocument: 'after', includeResultMetadata: true },
        ),
      );
      expect(ascending(results.map(({ value }) => value?.n))).toEqual(upTo(10));
      const inserted = results.filter(({ lastErrorObject }) => lastErrorObject?.['upserted'] !== undefined);
      expect(inserted).toMatchObject([{ value: { n: 1 }, lastErrorObject: { updatedExisting: false } }]);
    }
  });

  it('insert once, whatever the upserts ask for beside the key', async () => {
    for (let key = 0; key < 10; key++) {
      const _id = `k${key}`;
      const results = await times(8, (i) =>
        counters.updateOne(i % 2 ? { _id } : { _id, kind: { $exists: false } }, increment, { upsert: true }),
      );
      expect(results.filter(({ upsertedCount }) => upsertedCount === 1)).toHaveLength(1);
      expect(results.filter(({ matchedCount }) => matchedCount === 1)).toHaveLength(7);
      expect(await counters.findOne({ _id })).toEqual({ _id, n: 8 });
    }
  });

  it('count on from a document that is inserted meanwhile', async () => {
    for (let key = 0; key < 20; key++) {
      const _id = `k${key}`;
      const upsert = () =>
        counters.findOneAndUpdate({ _id }, increment, { upsert: true, returnDocument: 'after' }).then((doc) => doc?.n);
      const insert = () =>
        counters.insertOne({ _id, n: 100, kind: 'inserted' }).then(
          () => true,
          () => false,
        );
      const [first, inserted, second] = await Promise.all([upsert(), insert(), upsert()]);
      expect(ascending([first, second])).toEqual(inserted ? [101, 102] : [1, 2]);
      expect(await counters.findOne({ _id })).toMatchObject(inserted ? { n: 102, kind: 'inserted' } : { n: 2 });
    }
  });

  it('lose nothing when their queries differ', async () => {
    await counters.insertOne({ _id: 'a', n: 0, kind: 'hot' });
    const queries = [{ _id: 'a' }, { kind: 'hot' }, { _id: 'a', kind: 'hot' }, { n: { $gte: 0 } }];
    const results = await times(40, (i) =>
      counters.findOneAndUpdate(queries[i % queries.length] ?? {}, increment, { returnDocument: 'after' }),
    );
    expect(ascending(results.map((doc) => doc?.n))).toEqual(upTo(40));
  });

  it('let one of many take a document', async () => {
    await counters.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: `job${i}`, kind: 'free' })));
    const taken = await times(30, () =>
      counters.findOneAndUpdate({ kind: 'free' }, { $set: { kind: 'taken' } }, { sort: { _id: 1 } }),
    );
    expect(new Set(taken.flatMap((job) => job?._id ?? [])).size).toBe(20);
    expect(taken.filter((job) => job === null)).toHaveLength(10);
  });

  it('delete what is being updated', async () => {
    const deletions: ((_id: string) => Promise<number>)[] = [
      async (_id) => (await counters.deleteOne({ _id })).deletedCount,
      async (_id) => (await counters.deleteMany({ kind: _id })).deletedCount,
      async (_id) => ((await counters.findOneAndDelete({ kind: _id })) === null ? 0 : 1),
      async (_id) =>
        (await counters.bulkWrite([{ deleteOne: { filter: { _id: 'none' } } }, { deleteOne: { filter: { _id } } }]))
          .deletedCount,
    ];
    for (let key = 0; key < 32; key++) {
      const _id = `k${key}`;
      await counters.insertOne({ _id, n: 0, kind: _id });
      const update = () => counters.updateOne({ _id }, increment);
      const [, , deleted] = await Promise.all([update(), update(), deletions[key % 4]?.(_id), update(), update()]);
      expect(deleted).toBe(1);
    }
    expect(await counters.countDocuments()).toBe(0);
  });

  it('update many while others update each', async () => {
    const ids = upTo(20).map(String);
    await counters.insertMany(ids.map((_id) => ({ _id, n: 0, kind: 'many' })));
    await Promise.all([
      ...ids.map((_id) => counters.updateOne({ _id }, increment)),
      counters.updateMany({ kind: 'many' }, { $inc: { n: 10 } }),
      ...ids.map((_id) => counters.bulkWrite([{ updateOne: { filter: { _id }, update: increment } }])),
    ]);
    expect(await counters.distinct('n')).toEqual([12]);
  });

  it('count each operation of concurrent batches once', async () => {
    const batch = () =>
      counters.bulkWrite(
        upTo(30).map((i) => ({ updateOne: { filter: { _id: `k${i}` }, update: increment, upsert: true } })),
        { ordered: false },
      );
    const results = await times(6, batch);
    expect(results.reduce((sum, { upsertedCount }) => sum + upsertedCount, 0)).toBe(30);
    expect(results.reduce((sum, { matchedCount }) => sum + matchedCount, 0)).toBe(150);
    expect(await counters.distinct('n')).toEqual([6]);
  });
});

/** Runs `write` while a transaction is open that has done `first`, until it waits; commits; returns the write's result. */
async function against<T>(first: (session: ClientSession) => Promise<unknown>, write: () => Promise<T>): Promise<T> {
  return client.withSession(async (session) => {
    session.startTransaction();
    await first(session);
    let isDone = false;
    const result = write().finally(() => {
      isDone = true;
    });
    result.catch(() => {}); // looked at below
    await eventually('the write waits for the transaction', () => isDone || server.hasLockWait());
    expect(isDone).toBe(false);
    await session.commitTransaction();
    return result;
  });
}

describe('a write that meets an open transaction', () => {
  const insertion = (session: ClientSession) => counters.insertOne({ _id: 'a', n: 5, kind: 'tx' }, { session });
  const change = async (session: ClientSession) => {
    await counters.insertOne({ _id: 'a', n: 1 });
    await counters.updateOne({ _id: 'a' }, { $inc: { n: 10 } }, { session });
  };
  const removal = async (session: ClientSession) => {
    await counters.insertOne({ _id: 'a', n: 1 });
    await counters.deleteOne({ _id: 'a' }, { session });
  };
  const stored = () => counters.findOne({ _id: 'a' });
  const upsert = { upsert: true, returnDocument: 'after' } as const;

  it('updates what it inserted, and says so', async () => {
    const result = await against(insertion, () =>
      counters.updateOne({ _id: 'a' }, { ...increment, $setOnInsert: { kind: 'mine' } }, { upsert: true }),
    );
    expect(result).toMatchObject({ matchedCount: 1, modifiedCount: 1, upsertedCount: 0 });
    expect(await stored()).toEqual({ _id: 'a', n: 6, kind: 'tx' });
  });

  it('returns what it made of the inserted document', async () => {
    const found = await against(insertion, () => counters.findOneAndUpdate({ _id: 'a' }, increment, upsert));
    expect(found).toEqual({ _id: 'a', n: 6, kind: 'tx' });
  });

  it('is refused as a duplicate', async () => {
    await expect(against(insertion, () => counters.insertOne({ _id: 'a' }))).rejects.toMatchObject({ code: 11000 });
  });

  it('goes on from what the transaction left', async () => {
    expect(await against(change, () => counters.updateOne({ _id: 'a' }, increment))).toMatchObject({
      modifiedCount: 1,
    });
    expect(await stored()).toEqual({ _id: 'a', n: 12 });
  });

  it('leaves alone what does not match any more', async () => {
    const result = await against(change, () => counters.updateOne({ _id: 'a', n: 1 }, increment));
    expect(result).toMatchObject({ matchedCount: 0 });
    expect(await stored()).toEqual({ _id: 'a', n: 11 });
  });

  it('deletes what the transaction changed', async () => {
    expect(await against(change, () => counters.deleteOne({ _id: 'a' }))).toMatchObject({ deletedCount: 1 });
    expect(await stored()).toBeNull();
  });

  it('inserts anew what the transaction deleted', async () => {
    const result = await against(removal, () => counters.updateOne({ _id: 'a' }, increment, { upsert: true }));
    expect(result).toMatchObject({ matchedCount: 0, upsertedId: 'a' });
    expect(await stored()).toEqual({ _id: 'a', n: 1 });
  });

  it('waits no longer than maxTimeMS, nor does one behind it', async () => {
    await client.withSession(async (session) => {
      session.startTransaction();
      await insertion(session);
      const hurried = () => counters.updateOne({ _id: 'a' }, increment, { upsert: true, maxTimeMS: 100 });
      const results = await Promise.allSettled([hurried(), hurried()]);
      const timeOut = { status: 'rejected', reason: { code: 50 } };
      expect(results).toMatchObject([timeOut, timeOut]);
      await session.commitTransaction();
    });
    expect(await stored()).toEqual({ _id: 'a', n: 5, kind: 'tx' });
  });

  describe('in a batch', () => {
    const operations = (others: readonly string[]): Document[] =>
      others.map((_id) => ({ q: { _id }, u: increment, upsert: true }));
    const before = async () => {
      await counters.insertOne({ _id: 'b', n: 1 });
    };

    it('does each operation once, in order', async () => {
      await before();
      const result = await against(insertion, () =>
        counters.bulkWrite(
          ['b', 'c', 'a', 'd', 'b'].map((_id) => ({ updateOne: { filter: { _id }, update: increment, upsert: true } })),
        ),
      );
      expect(result).toMatchObject({ matchedCount: 3, modifiedCount: 3, upsertedIds: { 1: 'c', 3: 'd' } });
      expect(await counters.find({}, { sort: { _id: 1 } }).toArray()).toEqual([
        { _id: 'a', n: 6, kind: 'tx' },
        { _id: 'b', n: 3 },
        { _id: 'c', n: 1 },
        { _id: 'd', n: 1 },
      ]);
    });

    it('keeps the errors of other operations, by their places', async () => {
      await before();
      const [b, c, a, d] = operations(['b', 'c', 'a', 'd']);
      const mistaken = { q: { _id: 'b' }, u: { $set: { _id: 'x' } } };
      const update = { update: counters.collectionName, updates: [mistaken, b, c, a, mistaken, d], ordered: false };
      expect(await against(insertion, () => db.command(update))).toMatchObject({
        n: 4,
        nModified: 2,
        upserted: [
          { index: 2, _id: 'c' },
          { index: 5, _id: 'd' },
        ],
        writeErrors: [
          { index: 0, code: 66 },
          { index: 4, code: 66 },
        ],
      });
      expect(await counters.distinct('n')).toEqual([1, 2, 6]);
    });

    it('inserts the documents that are no duplicates', async () => {
      await before();
      const documents = ['c', 'b', 'a', 'd'].map((_id) => ({ _id }));
      const error = await against(insertion, () => counters.insertMany(documents, { ordered: false })).catch((e) => e);
      expect(error).toMatchObject({ code: 11000, insertedCount: 2 });
      expect(error.writeErrors.map(({ index }: Document) => index)).toEqual([1, 2]);
      expect(await counters.distinct('_id')).toEqual(['a', 'b', 'c', 'd']);
    });
  });
});
