import {
  Binary,
  type Collection,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  type MongoClient,
  ObjectId,
  UUID,
} from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
let client: MongoClient;
let things: Collection<Document & { _id: number }>;
let run = 0;

beforeAll(async () => {
  server = await startServer();
  client = await server.client();
});
afterAll(async () => {
  await server?.close();
});
beforeEach(() => {
  things = client.db('documents').collection(`things${run++}`);
});

const ids = (documents: readonly Document[]): unknown[] => documents.map((document) => document['_id']);

describe('documents', () => {
  it('keep every type', async () => {
    const document = {
      _id: 1,
      oid: new ObjectId(),
      uuid: new UUID(),
      date: new Date('2024-02-29T12:34:56.789Z'),
      int: new Int32(1),
      double: new Double(1),
      long: Long.fromString('9007199254740993'),
      decimal: Decimal128.fromString('0.1'),
      bytes: new Binary(Buffer.from([0, 255])),
      text: 'Grüße, 世界 👋',
      list: [1, [2, { three: 3 }]],
      nested: { empty: {}, none: null },
      yes: true,
      regex: /a.b/i,
    };
    await things.insertOne(document);
    const found = await things.findOne({ _id: 1 }, { promoteValues: false, bsonRegExp: false });
    expect(found).toMatchObject({ int: document.int, double: document.double, long: document.long });
    expect(await things.findOne({ _id: 1 }, { promoteLongs: false })).toMatchObject({
      oid: document.oid,
      date: document.date,
      decimal: document.decimal,
      text: document.text,
      list: document.list,
      nested: document.nested,
      regex: document.regex,
    });
  });

  it('come back in full up to 16 MB', async () => {
    const text = 'x'.repeat(15.9 * 2 ** 20);
    await things.insertOne({ _id: 1, text });
    expect((await things.findOne({ _id: 1 }))?.['text']).toBe(text);
  });

  it('are found by operators, projected, sorted, skipped and limited', async () => {
    await things.insertMany(
      Array.from({ length: 20 }, (_, n) => ({ _id: n, n, even: n % 2 === 0, tags: [`t${n % 3}`] })),
    );
    const found = things.find({ n: { $gte: 4 }, even: true, tags: 't0' }, { projection: { n: 1, _id: 0 } });
    expect(await found.sort({ n: -1 }).toArray()).toEqual([{ n: 18 }, { n: 12 }, { n: 6 }]);
    expect(
      ids(
        await things
          .find({ $or: [{ n: 1 }, { tags: { $in: ['t2'] }, n: { $lt: 6 } }] })
          .sort({ n: 1 })
          .toArray(),
      ),
    ).toEqual([1, 2, 5]);
    expect(ids(await things.find().sort({ even: 1, n: -1 }).skip(2).limit(2).toArray())).toEqual([15, 13]);
    expect(
      ids(
        await things
          .find({ tags: /^t1$/, n: { $nin: [1, 4] } })
          .limit(1)
          .toArray(),
      ),
    ).toEqual([7]);
  });

  it('are counted', async () => {
    expect(await things.estimatedDocumentCount()).toBe(0);
    await things.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 1 }, { _id: 3 }]);
    expect(await things.countDocuments({ a: 1 })).toBe(2);
    expect(await things.countDocuments()).toBe(3);
    expect(await things.estimatedDocumentCount()).toBe(3);
    expect(await things.distinct('a')).toEqual([1]);
  });

  it('are updated by operators', async () => {
    await things.insertOne({
      _id: 1,
      n: 1,
      list: [1, 2, 3],
      old: 'x',
      items: [
        { k: 'a', v: 1 },
        { k: 'b', v: 2 },
      ],
    });
    const update: Document = {
      $inc: { n: 2 },
      $set: { 'deep.er': true, 'items.$[item].v': 20 },
      $unset: { old: '' },
      $push: { list: { $each: [4, 5], $slice: -3 } },
      $currentDate: { at: true },
    };
    const result = await things.updateOne({ _id: 1 }, update, { arrayFilters: [{ 'item.k': 'b' }] });
    expect(result).toMatchObject({ matchedCount: 1, modifiedCount: 1, upsertedCount: 0 });
    const document = await things.findOne({ _id: 1 });
    expect(document).toEqual({
      _id: 1,
      n: 3,
      list: [3, 4, 5],
      items: [
        { k: 'a', v: 1 },
        { k: 'b', v: 20 },
      ],
      deep: { er: true },
      at: expect.any(Date),
    });
    expect(await things.updateOne({ _id: 1 }, { $set: { n: 3 } })).toMatchObject({ matchedCount: 1, modifiedCount: 0 });
  });

  it('are updated by pipelines', async () => {
    await things.insertMany([
      { _id: 1, n: 2 },
      { _id: 2, n: 5 },
    ]);
    const pipeline = [{ $set: { double: { $multiply: ['$n', 2] }, big: { $gt: ['$n', 3] } } }, { $unset: 'n' }];
    expect(await things.updateMany({}, pipeline)).toMatchObject({ modifiedCount: 2 });
    expect(await things.find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, double: 4, big: false },
      { _id: 2, double: 10, big: true },
    ]);
  });

  it('are replaced, upserted and deleted', async () => {
    expect(await things.replaceOne({ _id: 1 }, { a: 1 }, { upsert: true })).toMatchObject({ upsertedId: 1 });
    expect(await things.replaceOne({ _id: 1 }, { b: 1 })).toMatchObject({ modifiedCount: 1 });
    expect(await things.findOne({ _id: 1 })).toEqual({ _id: 1, b: 1 });
    const upsert = await things.updateOne(
      { _id: 2 },
      { $set: { a: 1 }, $setOnInsert: { made: true } },
      { upsert: true },
    );
    expect(upsert).toMatchObject({ upsertedCount: 1, upsertedId: 2 });
    expect(await things.findOne({ _id: 2 })).toEqual({ _id: 2, a: 1, made: true });
    expect(await things.deleteOne({ _id: 1 })).toMatchObject({ deletedCount: 1 });
    expect(await things.deleteMany({})).toMatchObject({ deletedCount: 1 });
  });

  it('are written in bulk', async () => {
    const result = await things.bulkWrite([
      { insertOne: { document: { _id: 1, n: 1 } } },
      { updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } } } },
      { updateOne: { filter: { _id: 2 }, update: { $set: { n: 9 } }, upsert: true } },
      { updateMany: { filter: {}, update: { $set: { seen: true } } } },
      { replaceOne: { filter: { _id: 2 }, replacement: { n: 10 } } },
      { deleteOne: { filter: { _id: 1 } } },
    ]);
    expect(result).toMatchObject({
      insertedCount: 1,
      matchedCount: 4,
      modifiedCount: 4,
      upsertedCount: 1,
      deletedCount: 1,
    });
    expect(await things.find().toArray()).toEqual([{ _id: 2, n: 10 }]);
  });

  it('are inserted by ten thousands', async () => {
    await things.insertMany(Array.from({ length: 30_000 }, (_, _id) => ({ _id })));
    expect(await things.estimatedDocumentCount()).toBe(30_000);
  });
});

describe('findOneAndUpdate', () => {
  it('returns the document before or after', async () => {
    await things.insertOne({ _id: 1, n: 1 });
    expect(await things.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } })).toEqual({ _id: 1, n: 1 });
    expect(await things.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { returnDocument: 'after' })).toEqual({
      _id: 1,
      n: 3,
    });
    expect(await things.findOneAndUpdate({ _id: 9 }, { $inc: { n: 1 } })).toBeNull();
    const options = { upsert: true, returnDocument: 'after', projection: { _id: 0 } } as const;
    expect(await things.findOneAndUpdate({ _id: 9 }, [{ $set: { n: 7 } }], options)).toEqual({ n: 7 });
    expect(await things.findOneAndDelete({ n: { $gt: 0 } }, { sort: { n: -1 } })).toEqual({ _id: 9, n: 7 });
    const after = { returnDocument: 'after' } as const;
    expect(await things.findOneAndReplace({ _id: 1 }, { z: 1 }, after)).toEqual({ _id: 1, z: 1 });
    const hint = { ...after, hint: { _id: 1 } };
    expect(await things.findOneAndUpdate({ _id: 1 }, { $set: { z: 2 } }, hint)).toEqual({ _id: 1, z: 2 });
  });

  it('loses no increment of 50 at once', async () => {
    await things.insertOne({ _id: 1, n: 0 });
    await Promise.all(Array.from({ length: 50 }, () => things.updateOne({ _id: 1 }, { $inc: { n: 1 } })));
    await Promise.all(Array.from({ length: 50 }, () => things.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } })));
    expect(await things.findOne({ _id: 1 })).toEqual({ _id: 1, n: 100 });
  });

  it('gives each of 20 workers another job', async () => {
    await things.insertMany(Array.from({ length: 10 }, (_, _id) => ({ _id, state: 'new' })));
    const claim = () => things.findOneAndUpdate({ state: 'new' }, { $set: { state: 'taken' } }, { sort: { _id: 1 } });
    const claimed = (await Promise.all(Array.from({ length: 20 }, claim))).filter((job) => job !== null);
    expect(
      ids(claimed)
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it.each(['updateOne', 'findOneAndUpdate'] as const)(
    'makes one document of 40 upserts of one key at once: %s',
    async (method) => {
      const counters = client.db('documents').collection<Document>(`counters_${method}`);
      await counters.createIndex({ key: 1 }, { unique: true });
      const upsert = () => counters[method]({ key: 'k' }, { $inc: { n: 1 } }, { upsert: true });
      await Promise.all(Array.from({ length: 40 }, upsert));
      expect(await counters.find({}, { projection: { _id: 0 } }).toArray()).toEqual([{ key: 'k', n: 40 }]);
    },
  );

  it('lets one of 40 inserts of one key through', async () => {
    const unique = client.db('documents').collection('unique');
    await unique.createIndex({ key: 1 }, { unique: true });
    const results = await Promise.allSettled(Array.from({ length: 40 }, () => unique.insertOne({ key: 'k' })));
    const reasons = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
    expect(reasons).toHaveLength(39);
    for (const reason of reasons) {
      expect(reason).toMatchObject({ code: 11000, keyPattern: { key: 1 }, keyValue: { key: 'k' } });
    }
  });

  it('makes one collection of 20 first inserts at once', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, _id) => things.insertOne({ _id })));
    expect(await things.countDocuments()).toBe(20);
  });
});
