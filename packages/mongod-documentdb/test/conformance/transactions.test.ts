import { type ClientSession, type Collection, Long, type MongoClient, MongoServerError, UUID } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

interface Account {
  _id: string;
  n: number;
}

let server: TestServer;
let client: MongoClient;
let accounts: Collection<Account>;
let run = 0;

beforeAll(async () => {
  server = await startServer({ enableTestCommands: '1' });
  client = await server.client();
});
afterAll(async () => {
  await server?.close();
});
beforeEach(async () => {
  accounts = client.db('transactions').collection(`accounts${run++}`);
  await accounts.insertMany([
    { _id: 'a', n: 10 },
    { _id: 'b', n: 0 },
  ]);
});

const balances = async (): Promise<Record<string, number>> =>
  Object.fromEntries((await accounts.find().toArray()).map(({ _id, n }) => [_id, n]));

async function transfer(session: ClientSession, amount: number): Promise<void> {
  await accounts.updateOne({ _id: 'a' }, { $inc: { n: -amount } }, { session });
  await accounts.updateOne({ _id: 'b' }, { $inc: { n: amount } }, { session });
}

async function failureOf(work: Promise<unknown>): Promise<MongoServerError> {
  const error: unknown = await work.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  );
  if (error instanceof MongoServerError) return error;
  throw error;
}

describe('transactions', () => {
  it('are seen by others when committed and not before', async () => {
    await client.withSession(async (session) => {
      session.startTransaction();
      await transfer(session, 3);
      expect(await accounts.findOne({ _id: 'b' }, { session })).toEqual({ _id: 'b', n: 3 });
      expect(await balances()).toEqual({ a: 10, b: 0 });
      await session.commitTransaction();
      expect(await balances()).toEqual({ a: 7, b: 3 });
    });
  });

  it('leave nothing when aborted', async () => {
    await client.withSession(async (session) => {
      session.startTransaction();
      await transfer(session, 3);
      await accounts.insertOne({ _id: 'c', n: 1 }, { session });
      await accounts.deleteOne({ _id: 'a' }, { session });
      await session.abortTransaction();
    });
    expect(await balances()).toEqual({ a: 10, b: 0 });
  });

  it('commit once more what was committed', async () => {
    await client.withSession(async (session) => {
      session.startTransaction();
      await transfer(session, 1);
      await session.commitTransaction();
      await session.commitTransaction();
    });
    expect(await balances()).toEqual({ a: 9, b: 1 });
  });

  it('make one of two writers of a document fail at once, and its transaction as a whole', async () => {
    await client.withSession((first) =>
      client.withSession(async (second) => {
        first.startTransaction();
        second.startTransaction();
        await accounts.updateOne({ _id: 'a' }, { $inc: { n: 1 } }, { session: first });
        const conflict = await failureOf(accounts.updateOne({ _id: 'a' }, { $inc: { n: 1 } }, { session: second }));
        expect(conflict).toMatchObject({ code: 112, codeName: 'WriteConflict' });
        expect(conflict.hasErrorLabel('TransientTransactionError')).toBe(true);
        const after = await failureOf(accounts.findOne({ _id: 'b' }, { session: second }));
        expect(after).toMatchObject({ code: 251, codeName: 'NoSuchTransaction' });
        expect(after.hasErrorLabel('TransientTransactionError')).toBe(true);
        await first.commitTransaction();
        await second.abortTransaction();
      }),
    );
    expect(await balances()).toEqual({ a: 11, b: 0 });
  });

  it('read one snapshot and do not overwrite what changed since', async () => {
    await client.withSession(async (session) => {
      session.startTransaction();
      expect(await accounts.findOne({ _id: 'a' }, { session })).toEqual({ _id: 'a', n: 10 });
      await accounts.updateOne({ _id: 'a' }, { $set: { n: 50 } });
      expect(await accounts.findOne({ _id: 'a' }, { session })).toEqual({ _id: 'a', n: 10 });
      const late = await failureOf(accounts.updateOne({ _id: 'a' }, { $inc: { n: 1 } }, { session }));
      expect(late).toMatchObject({ code: 112 });
      expect(late.hasErrorLabel('TransientTransactionError')).toBe(true);
    });
    expect(await balances()).toEqual({ a: 50, b: 0 });
  });

  it('are run again by withTransaction until all have gone through', async () => {
    const increment = () =>
      client.withSession((session) =>
        session.withTransaction(async () => {
          const account = await accounts.findOne({ _id: 'b' }, { session });
          await accounts.updateOne({ _id: 'b' }, { $set: { n: (account?.n ?? 0) + 1 } }, { session });
        }),
      );
    await Promise.all(Array.from({ length: 10 }, increment));
    expect(await balances()).toEqual({ a: 10, b: 10 });
  });

  it('end with a duplicate key, which is no reason to try again', async () => {
    await client.withSession(async (session) => {
      session.startTransaction();
      await accounts.insertOne({ _id: 'c', n: 1 }, { session });
      const duplicate = await failureOf(accounts.insertOne({ _id: 'a', n: 1 }, { session }));
      expect(duplicate).toMatchObject({ code: 11000, keyPattern: { _id: 1 }, keyValue: { _id: 'a' } });
      expect(duplicate.hasErrorLabel('TransientTransactionError')).toBe(false);
      await expect(session.commitTransaction()).rejects.toMatchObject({ code: 251 });
    });
    expect(await balances()).toEqual({ a: 10, b: 0 });
  });

  it('have cursors, aggregations and new collections', async () => {
    const log = client.db('transactions').collection<{ _id: number }>(`log${run}`);
    await client.withSession(async (session) => {
      session.startTransaction();
      await log.insertMany(
        Array.from({ length: 250 }, (_, _id) => ({ _id })),
        { session },
      );
      const seen: number[] = [];
      for await (const { _id } of log.find({}, { session, batchSize: 50, sort: { _id: 1 } })) seen.push(_id);
      expect(seen).toHaveLength(250);
      const sum = log.aggregate([{ $group: { _id: null, n: { $sum: 1 } } }], { session });
      expect(await sum.toArray()).toEqual([{ _id: null, n: 250 }]);
      expect(await log.distinct('_id', { _id: { $lt: 3 } }, { session })).toEqual([0, 1, 2]);
      await session.commitTransaction();
    });
    expect(await log.countDocuments()).toBe(250);
  });

  it('are open in number', async () => {
    const sessions = Array.from({ length: 60 }, () => client.startSession());
    await Promise.all(
      sessions.map(async (session, i) => {
        session.startTransaction();
        await accounts.insertOne({ _id: `s${i}`, n: i }, { session });
      }),
    );
    await Promise.all(sessions.map((session) => session.commitTransaction()));
    await Promise.all(sessions.map((session) => session.endSession()));
    expect(await accounts.countDocuments()).toBe(62);
  });

  it('end with their session', async () => {
    const session = client.startSession();
    session.startTransaction();
    await accounts.updateOne({ _id: 'a' }, { $inc: { n: 1 } }, { session });
    await session.endSession();
    await accounts.updateOne({ _id: 'a' }, { $inc: { n: 5 } }, { maxTimeMS: 5000 });
    expect(await balances()).toEqual({ a: 15, b: 0 });
  });

  it('expire', async () => {
    const admin = client.db('admin');
    await admin.command({ setParameter: 1, transactionLifetimeLimitSeconds: 0.5 });
    try {
      await client.withSession(async (session) => {
        session.startTransaction();
        await accounts.updateOne({ _id: 'a' }, { $inc: { n: 1 } }, { session });
        // Waits for the row, which is free only when the transaction is gone.
        await accounts.updateOne({ _id: 'a' }, { $inc: { n: 5 } });
        await expect(session.commitTransaction()).rejects.toMatchObject({ code: 251 });
      });
    } finally {
      await admin.command({ setParameter: 1, transactionLifetimeLimitSeconds: 60 });
    }
    expect(await balances()).toEqual({ a: 15, b: 0 });
  });
});

describe('sessions', () => {
  it('read their own writes', async () => {
    await client.withSession({ causalConsistency: true }, async (session) => {
      await accounts.updateOne({ _id: 'a' }, { $set: { n: 77 } }, { session });
      expect(session.operationTime).toBeDefined();
      const options = { session, readConcern: 'majority', readPreference: 'secondaryPreferred' } as const;
      expect(await accounts.findOne({ _id: 'a' }, options)).toEqual({ _id: 'a', n: 77 });
    });
  });

  it('see time go on', async () => {
    const times: Long[] = [];
    for (let i = 0; i < 5; i++) times.push((await client.db('admin').command({ ping: 1 }))['operationTime']);
    for (const [i, time] of times.entries()) if (i > 0) expect(time.greaterThan(times[i - 1] ?? Long.ZERO)).toBe(true);
  });

  it('do a retried write once, also while it is still running', async () => {
    const command = {
      update: accounts.collectionName,
      updates: [{ q: { _id: 'a' }, u: { $inc: { n: 1 } } }],
      lsid: { id: new UUID() },
      $db: 'transactions',
    };
    const [one, other] = [await RawClient.connect(server.port), await RawClient.connect(server.port)];
    const first = { ...command, txnNumber: Long.fromNumber(1) };
    const both = await Promise.all([one.command(first), other.command(first)]);
    expect(both).toMatchObject([{ nModified: 1 }, { nModified: 1 }]);
    expect(await other.command(first)).toMatchObject({ ok: 1, nModified: 1 });
    expect(await balances()).toEqual({ a: 11, b: 0 });
    await one.command({ ...command, txnNumber: Long.fromNumber(2) });
    expect(await balances()).toEqual({ a: 12, b: 0 });
    one.destroy();
    other.destroy();
  });
});

describe('fail points', () => {
  const arm = (mode: unknown, data: object) =>
    client.db('admin').command({ configureFailPoint: 'failCommand', mode, data });

  it('fail as often as they are told to, and drivers try again', async () => {
    await arm({ times: 1 }, { failCommands: ['insert'], errorCode: 10107, closeConnection: false });
    await accounts.insertOne({ _id: 'c', n: 1 });
    await arm({ times: 2 }, { failCommands: ['insert'], errorCode: 10107 });
    const error = await failureOf(accounts.insertOne({ _id: 'd', n: 1 }));
    expect(error).toMatchObject({ code: 10107, codeName: 'NotWritablePrimary' });
    expect(error.hasErrorLabel('RetryableWriteError')).toBe(true);
    await accounts.insertOne({ _id: 'd', n: 1 });
    expect(await balances()).toEqual({ a: 10, b: 0, c: 1, d: 1 });
  });

  it('close the connection, which a retryable write survives', async () => {
    await arm({ times: 1 }, { failCommands: ['update'], closeConnection: true });
    await accounts.updateOne({ _id: 'a' }, { $inc: { n: 1 } });
    expect(await balances()).toEqual({ a: 11, b: 0 });
  });

  it('make withTransaction run again', async () => {
    await arm(
      { times: 1 },
      { failCommands: ['commitTransaction'], errorCode: 251, errorLabels: ['TransientTransactionError'] },
    );
    let runs = 0;
    await client.withSession((session) =>
      session.withTransaction(async () => {
        runs++;
        await transfer(session, 2);
      }),
    );
    expect(runs).toBe(2);
    expect(await balances()).toEqual({ a: 8, b: 2 });
  });

  it('report a write concern error beside a success', async () => {
    await arm({ times: 1 }, { failCommands: ['insert'], writeConcernError: { code: 64, errmsg: 'waiting timed out' } });
    const error = await failureOf(accounts.insertOne({ _id: 'c', n: 1 }));
    expect(error.code).toBe(64);
    expect(await balances()).toEqual({ a: 10, b: 0, c: 1 });
  });

  it('strike one application only, until they are off', async () => {
    const other = await server.client({ appName: 'other' });
    await arm('alwaysOn', { failCommands: ['ping'], errorCode: 2, appName: 'other' });
    await expect(other.db('admin').command({ ping: 1 })).rejects.toMatchObject({ code: 2 });
    expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
    await arm('off', {});
    expect(await other.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it('refuse what they do not know', async () => {
    await expect(arm('sometimes', {})).rejects.toMatchObject({ code: 2 });
    const unknown = { configureFailPoint: 'failEverything', mode: 'alwaysOn' };
    await expect(client.db('admin').command(unknown)).rejects.toMatchObject({ code: 2 });
  });
});
