import { type Collection, type Document, Long, type MongoClient } from 'mongodb';
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
  things = client.db('queries').collection(`things${run++}`);
});

const ids = (documents: readonly Document[]): unknown[] => documents.map((document) => document['_id']);

describe('aggregation', () => {
  beforeEach(async () => {
    await things.insertMany(Array.from({ length: 12 }, (_, n) => ({ _id: n, team: n % 3, n, tags: ['x', `t${n}`] })));
  });

  it('matches, groups, sorts and projects', async () => {
    const pipeline = [
      { $match: { n: { $gte: 3 } } },
      {
        $group: { _id: '$team', sum: { $sum: '$n' }, top: { $max: '$n' }, all: { $push: '$n' }, count: { $count: {} } },
      },
      { $sort: { sum: -1 } },
      { $project: { _id: 0, team: '$_id', sum: 1, top: 1, mean: { $divide: ['$sum', '$count'] } } },
      { $limit: 2 },
    ];
    expect(await things.aggregate(pipeline).toArray()).toEqual([
      { sum: 24, top: 11, team: 2, mean: 8 },
      { sum: 21, top: 10, team: 1, mean: 7 },
    ]);
  });

  it('joins', async () => {
    const teams = client.db('queries').collection<{ _id: number; name: string }>('teams');
    await teams.deleteMany({});
    await teams.insertMany([0, 1, 2].map((_id) => ({ _id, name: `team ${_id}` })));
    const byKey = { from: 'teams', localField: 'team', foreignField: '_id', as: 'team' };
    const joined = things.aggregate([
      { $match: { _id: 4 } },
      { $lookup: byKey },
      { $unwind: '$team' },
      { $project: { name: '$team.name' } },
    ]);
    expect(await joined.toArray()).toEqual([{ _id: 4, name: 'team 1' }]);
    const members = {
      from: things.collectionName,
      let: { id: '$_id' },
      pipeline: [{ $match: { $expr: { $eq: ['$team', '$$id'] } } }, { $count: 'n' }],
      as: 'members',
    };
    expect(await teams.aggregate([{ $match: { _id: 2 } }, { $lookup: members }]).toArray()).toEqual([
      { _id: 2, name: 'team 2', members: [{ n: 4 }] },
    ]);
  });

  it('answers several questions at once', async () => {
    const facets = {
      total: [{ $count: 'n' }],
      page: [{ $sort: { n: -1 as const } }, { $limit: 2 }, { $project: { _id: 1 } }],
    };
    expect(await things.aggregate([{ $match: { team: 0 } }, { $facet: facets }]).toArray()).toEqual([
      { total: [{ n: 4 }], page: [{ _id: 9 }, { _id: 6 }] },
    ]);
  });

  it('counts, buckets by date and unwinds', async () => {
    expect(await things.aggregate([{ $match: { team: 1 } }, { $count: 'n' }]).toArray()).toEqual([{ n: 4 }]);
    expect(await things.aggregate([{ $unwind: '$tags' }, { $sortByCount: '$tags' }, { $limit: 1 }]).toArray()).toEqual([
      { _id: 'x', count: 12 },
    ]);
    await things.insertOne({ _id: 100, at: new Date('2024-03-05T23:59:59Z') });
    const day = { $dateToString: { format: '%Y-%m-%d', date: '$at' } };
    expect(await things.aggregate([{ $match: { _id: 100 } }, { $project: { day } }]).toArray()).toEqual([
      { _id: 100, day: '2024-03-05' },
    ]);
  });

  it('writes its result to a collection', async () => {
    const target = `out_${things.collectionName}`;
    await things.aggregate([{ $match: { team: 0 } }, { $out: target }]).toArray();
    expect(await client.db('queries').collection(target).countDocuments()).toBe(4);
    await things.aggregate([{ $match: { team: 1 } }, { $merge: { into: target } }]).toArray();
    expect(await client.db('queries').collection(target).countDocuments()).toBe(8);
  });
});

describe('cursors', () => {
  beforeEach(async () => {
    await things.insertMany(Array.from({ length: 1000 }, (_, _id) => ({ _id, text: 'x'.repeat(100) })));
  });

  it('go on until the end, whatever the batch size', async () => {
    for (const batchSize of [1, 7, 999, 1000, 1001]) {
      const seen: unknown[] = [];
      for await (const document of things.find({ _id: { $lt: 50 } }, { batchSize, sort: { _id: 1 } }))
        seen.push(document._id);
      expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
    }
    let count = 0;
    for await (const _ of things.aggregate([{ $match: {} }], { batchSize: 100 })) count++;
    expect(count).toBe(1000);
  });

  it('end at the limit', async () => {
    expect(await things.find().batchSize(3).limit(10).toArray()).toHaveLength(10);
    const single = await client.db('queries').command({ find: things.collectionName, limit: 5, singleBatch: true });
    expect([single['cursor']['firstBatch'].length, single['cursor']['id'].toString()]).toEqual([5, '0']);
  });

  it('end when they are killed', async () => {
    const cursor = things.find().batchSize(10);
    await cursor.next();
    const id = cursor.id ?? Long.ZERO;
    await cursor.close();
    const more = client.db('queries').command({ getMore: id, collection: things.collectionName });
    await expect(more).rejects.toMatchObject({ code: 43, codeName: 'CursorNotFound' });
    const killed = await client.db('queries').command({ killCursors: things.collectionName, cursors: [id] });
    expect(killed).toMatchObject({ cursorsKilled: [], cursorsNotFound: [id.toNumber()] });
  });

  it('leave no trace on the server', async () => {
    const open = async (): Promise<string> => {
      const status = await client.db('admin').command({ serverStatus: 1 });
      return String(status['metrics']['cursor']['open']['total']);
    };
    expect(await open()).toBe('0');
    const cursor = things.find().batchSize(10);
    await cursor.next();
    expect(await open()).toBe('1');
    await cursor.close();
    expect(await open()).toBe('0');
  });

  it('follow a hint', async () => {
    await things.createIndex({ text: 1 });
    expect(
      await things
        .find({ text: 'x'.repeat(100) }, { hint: { text: 1 } })
        .limit(2)
        .toArray(),
    ).toHaveLength(2);
    expect(
      ids(
        await things
          .find({}, { hint: { _id: 1 }, sort: { _id: -1 } })
          .limit(2)
          .toArray(),
      ),
    ).toEqual([999, 998]);
  });

  it('return each document once while documents are updated, and grow', async () => {
    const count = 200;
    const growing = client.db('queries').collection<Document & { _id: number }>('growing');
    await growing.insertMany(Array.from({ length: count }, (_, n) => ({ _id: n, kind: 'x', n, text: 'short' })));
    await growing.createIndex({ kind: 1 });
    const queries = [growing.find(), growing.find({ kind: 'x' }), growing.find({ n: { $gte: 0 } }).sort({ _id: 1 })];
    for (const query of queries) {
      const seen: unknown[] = [];
      for await (const { _id } of query.batchSize(20)) {
        seen.push(_id);
        if (seen.length % 15 === 0) {
          const some = [(_id * 7) % count, (_id * 31) % count, count - 1 - _id];
          await growing.updateMany({ _id: { $in: some } }, { $set: { text: 'long'.repeat(seen.length) } });
        }
        if (seen.length === 50) await growing.updateMany({}, { $inc: { touched: 1 } });
      }
      expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: count }, (_, n) => n));
    }
  });

  it('fail when their collection is dropped, instead of coming to an early end', async () => {
    const database = client.db('queries-dropped');
    const drops = [
      (name: string) => database.collection(name).drop(),
      (name: string) => database.renameCollection(name, `${name}-renamed`),
      () => database.dropDatabase(),
    ];
    for (const [i, drop] of drops.entries()) {
      const collection = database.collection<{ _id: number }>(`numbers${i}`);
      await collection.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id })));
      const cursor = collection.find().batchSize(10);
      await cursor.next();
      await drop(collection.collectionName);
      await expect(cursor.toArray()).rejects.toMatchObject({ code: 175, codeName: 'QueryPlanKilled' });
    }
  });
});
