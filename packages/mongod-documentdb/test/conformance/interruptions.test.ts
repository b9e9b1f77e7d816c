import { type Collection, type Db, type MongoClient, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
let client: MongoClient;
let db: Db;
let things: Collection<{ _id: string; n?: number }>;
let run = 0;

beforeAll(async () => {
  server = await startServer();
  client = await server.client();
  db = client.db('interruptions');
});
afterAll(async () => {
  await server?.close();
});
beforeEach(() => {
  things = db.collection(`things${run++}`);
});

const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

describe('collections', () => {
  it('come into being once, however many ask at once', async () => {
    const fresh = db.collection<{ _id: number }>('fresh');
    await Promise.all([
      ...Array.from({ length: 10 }, (_, i) => fresh.insertOne({ _id: i })),
      ...Array.from({ length: 10 }, (_, i) => fresh.createIndex({ [`f${i % 5}`]: 1 })),
      ...Array.from({ length: 5 }, () => db.createCollection(fresh.collectionName)),
    ]);
    expect(await fresh.countDocuments()).toBe(10);
    expect(await fresh.indexes()).toHaveLength(6);
  });

  it('may be dropped while others write', async () => {
    const busy = client.db('dropped-while-written');
    let isOver = false;
    const writers = Array.from({ length: 4 }, async (_, i) => {
      while (!isOver) await busy.collection(`writes${i % 2}`).insertOne({});
    });
    for (let i = 0; i < 5; i++) {
      await eventually('something to drop', async () => (await busy.listCollections().toArray()).length === 2);
      await busy.dropDatabase();
    }
    isOver = true;
    await Promise.all(writers);
  });

  it('are indexed without holding up others while a transaction is in the way', async () => {
    await things.insertOne({ _id: 'a', n: 1 });
    await client.withSession(async (session) => {
      session.startTransaction();
      await things.insertOne({ _id: 'b', n: 2 }, { session });
      const index = things.createIndex({ n: 1 });
      await eventually('the index waits for the transaction', () => server.hasLockWait());
      await things.insertOne({ _id: 'c', n: 3 });
      expect(await things.countDocuments()).toBe(2);
      await session.commitTransaction();
      await index;
    });
    expect(await things.countDocuments({ n: { $gt: 0 } })).toBe(3);
  });
});

describe('the loss of an engine process', () => {
  const backends = "FROM pg_stat_activity WHERE application_name = 'mongod-documentdb'";
  /** Inserts until `isOver` or until it fails; returns how often it succeeded. */
  const insertUntil = async (isOver: () => boolean): Promise<number> => {
    for (let done = 0; ; done++) {
      if (isOver()) return done;
      try {
        await things.insertOne({ _id: `i${Math.random()}` });
      } catch (error) {
        // Not sent: the driver gives its connections up once one of the others was told of a loss.
        if (error instanceof Error && error.name === 'MongoPoolClearedError') return done;
        // Lost, or found there by the driver's own retry, when the crash came between its commit and the answer.
        expect(error).toMatchObject({ code: expect.toBeOneOf([91, 11000]) });
        return done;
      }
    }
  };
  /** The process that serves the test itself: a crash ends all, and another one comes after the recovery. */
  const ownProcess = () => server.engine('SELECT pg_backend_pid()').then(String, () => undefined);

  it('ends no more than its own statements', async () => {
    let isOver = false;
    await things.insertOne({ _id: 'a' });
    const inserts = times(4, () => insertUntil(() => isOver));
    await eventually('insertions', async () => (await things.countDocuments()) > 20);
    await server.engine(`SELECT pg_terminate_backend(pid) ${backends}`);
    isOver = true;
    const done = (await inserts).reduce((sum, n) => sum + n, 1);
    expect(await things.countDocuments()).toBeGreaterThanOrEqual(done);
  });

  it('ends the transaction that it served', async () => {
    await things.insertOne({ _id: 'a' });
    await client.withSession(async (session) => {
      session.startTransaction();
      await things.insertOne({ _id: 'b' }, { session });
      await server.engine(`SELECT pg_terminate_backend(pid, 5000) ${backends} AND state LIKE 'idle in transaction%'`);
      const error: unknown = await things.insertOne({ _id: 'c' }, { session }).catch((reason) => reason);
      expect(error).toMatchObject({ code: 91 });
      expect(error instanceof MongoServerError && error.hasErrorLabel('TransientTransactionError')).toBe(true);
    });
    expect(await things.countDocuments()).toBe(1);
  });

  it('by a crash is recovered from, with everything that was acknowledged', async () => {
    let isOver = false;
    await things.insertOne({ _id: 'a' });
    const inserts = times(4, () => insertUntil(() => isOver));
    await eventually('insertions', async () => (await things.countDocuments()) > 20);
    const [own, [victim]] = [await ownProcess(), await server.engine(`SELECT pid ${backends} LIMIT 1`)];
    process.kill(Number(victim), 'SIGKILL');
    await eventually('recovery', async () => ![own, undefined].includes(await ownProcess()));
    isOver = true;
    const done = (await inserts).reduce((sum, n) => sum + n, 1);
    expect(await things.countDocuments()).toBeGreaterThanOrEqual(done);
  });
});
