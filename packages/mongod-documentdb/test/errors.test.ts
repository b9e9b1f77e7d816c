import { type Collection, type Db, type Document, Long, MongoBulkWriteError, MongoServerError, UUID } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeName, codeOfEngineState, isPackedState, unpackState } from '../src/error-codes.ts';
import { fromReported, fromState } from '../src/errors.ts';
import { RawClient } from './helpers/raw-client.ts';
import { startServer, type TestServer } from './helpers/server.ts';

describe('error codes', () => {
  it('names what has a name, and the others by their place', () => {
    expect([codeName(11000), codeName(112), codeName(40324)]).toEqual([
      'DuplicateKey',
      'WriteConflict',
      'Location40324',
    ]);
  });

  it('reads the ordinal in an SQLSTATE of the engine', () => {
    expect(codeOfEngineState('M001C')).toBe(11000);
    expect(codeOfEngineState('M0016')).toBe(263);
    expect(codeOfEngineState('MZZZZ')).toBe(1);
    expect(codeOfEngineState('23505')).toBeUndefined();
  });

  it('unpacks an SQLSTATE from an integer', () => {
    const packed = [...'M001C'].reduce((sum, char, i) => sum | ((char.charCodeAt(0) - 48) << (6 * i)), 0);
    expect(unpackState(packed)).toBe('M001C');
    expect(isPackedState(packed)).toBe(true);
    expect(fromReported(packed, 'x').code).toBe(11000);
    expect(fromReported(11000, 'x').code).toBe(11000);
  });

  it('takes a lock timeout, a deadlock and a failed serialization for a write conflict', () => {
    for (const state of ['55P03', '40P01', '40001']) expect(fromState(state, 'x').code).toBe(112);
  });
});

describe('errors of commands', () => {
  let server: TestServer;
  let db: Db;
  let things: Collection<{ _id: number } & Document>;

  beforeAll(async () => {
    server = await startServer();
    db = (await server.client()).db('errors');
    things = db.collection('things');
    await things.insertMany([
      { _id: 1, a: 1, text: 'x', list: [1, 2], nested: { b: 1 } },
      { _id: 2, a: 2, text: 'y' },
    ]);
    await things.createIndex({ a: 1 }, { unique: true });
    await things.createIndex({ at: 1 }, { expireAfterSeconds: 1000 });
    await db.createCollection('view', { viewOn: 'things', pipeline: [] });
  });
  afterAll(async () => {
    await server?.close();
  });

  /** The error of a command: of the whole, or of its only write. */
  const failure = async (command: Document, database: Db = db): Promise<Document> => {
    try {
      const reply = await database.command(command);
      return reply['writeErrors']?.[0] ?? { code: 0, reply };
    } catch (error) {
      if (error instanceof MongoServerError)
        return { code: error.code, codeName: error['codeName'], message: error.message };
      throw error;
    }
  };
  const find = (query: Document): Document => ({ find: 'things', ...query });
  const update = (u: unknown, more: Document = {}): Document => ({
    update: 'things',
    updates: [{ q: { _id: 1 }, u, ...more }],
  });
  const aggregate = (...pipeline: Document[]): Document => ({ aggregate: 'things', pipeline, cursor: {} });
  const compute = (x: unknown): Document => aggregate({ $addFields: { x } });
  const index = (key: Document, more: Document = {}): Document => ({
    createIndexes: 'things',
    indexes: [{ key, name: Object.entries(key).flat().join('_'), ...more }],
  });

  it.each<[number, string, Document]>([
    [59, 'an unknown command', { frobnicate: 1 }],
    [59, 'the name of an object property', { constructor: 1 }],
    [322, 'an unknown API version', { ping: 1, apiVersion: '2' }],
    [2, 'an unknown operator', find({ filter: { a: { $foo: 1 } } })],
    [2, 'an unknown top-level operator', find({ filter: { $foo: 1 } })],
    [2, '$in without an array', find({ filter: { a: { $in: 1 } } })],
    [51091, 'an invalid regular expression', find({ filter: { text: { $regex: '(' } } })],
    [14, 'a filter that is no document', find({ filter: 1 })],
    [31254, 'an exclusion among inclusions', find({ projection: { a: 1, text: 0 } })],
    [31249, 'colliding projections', find({ projection: { 'nested.b': 1, nested: 1 } })],
    [15975, 'an impossible direction', find({ sort: { a: 5 } })],
    [40415, 'an unknown field', find({ foo: 1 })],
    [51024, 'a negative batch size', find({ batchSize: -1 })],
    [2, 'a negative time limit', find({ maxTimeMS: -1 })],
    [2, 'a hint at no index', find({ hint: 'nope' })],
    [73, 'no collection name', find({ find: '' })],
    [43, 'a cursor that does not exist', { getMore: Long.fromNumber(12345), collection: 'things' }],
    [14, 'a cursor id that is none', { getMore: 'x', collection: 'things' }],
    [14, 'cursors that are no list', { killCursors: 'things', cursors: 'x' }],
    [16, 'no documents', { insert: 'things', documents: [] }],
    [40414, 'a missing required field', { insert: 'things' }],
    [53, 'an array as _id', { insert: 'things', documents: [{ _id: [1] }] }],
    [52, 'an operator in _id', { insert: 'things', documents: [{ _id: { $x: 1 } }] }],
    [73, 'a $ in a collection name', { insert: 'a$b', documents: [{ a: 1 }] }],
    [166, 'a write to a view', { insert: 'view', documents: [{ a: 1 }] }],
    [10334, 'a document over 16 MB', { insert: 'things', documents: [{ text: 'x'.repeat(2 ** 24) }] }],
    [66, 'another _id', update({ $set: { _id: 5 } })],
    [9, 'an unknown modifier', update({ $foo: { a: 1 } })],
    [40, 'conflicting paths', update({ $set: { a: 1 }, $inc: { a: 1 } })],
    [14, 'an increment of text', update({ $inc: { text: 1 } })],
    [2, 'a push to a number', update({ $push: { a: 1 } })],
    [28, 'a path through a number', update({ $set: { 'a.b': 1 } })],
    [56, 'an empty field name', update({ $set: { '': 1 } })],
    [9, 'an array filter that is not used', update({ $set: { a: 1 } }, { arrayFilters: [{ 'x.y': 1 }] })],
    [9, 'a replacement of many', update({ a: 9 }, { multi: true })],
    [
      54,
      'an ambiguous upsert',
      { update: 'things', updates: [{ q: { $and: [{ z: 1 }, { z: 2 }] }, u: { $set: { y: 1 } }, upsert: true }] },
    ],
    [9, 'findAndModify of nothing', { findAndModify: 'things', query: {} }],
    [9, 'a limit other than 0 and 1', { delete: 'things', deletes: [{ q: {}, limit: 5 }] }],
    [40324, 'an unknown stage', aggregate({ $foo: 1 })],
    [40323, 'two stages in one', aggregate({ $match: {}, $limit: 1 })],
    [15958, 'a limit of nothing', aggregate({ $limit: 0 })],
    [15955, 'a group without _id', aggregate({ $group: { n: { $sum: 1 } } })],
    [15952, 'an unknown accumulator', aggregate({ $group: { _id: 1, n: { $foo: 1 } } })],
    [40600, 'a facet in a facet', aggregate({ $facet: { a: [{ $facet: { b: [] } }] } })],
    [40573, 'a change stream', aggregate({ $changeStream: {} })],
    [9, 'an aggregation without a cursor', { aggregate: 'things', pipeline: [] }],
    [17276, 'an undefined variable', compute('$$nope')],
    [241, 'a conversion that fails', compute({ $toInt: '$text' })],
    [2, 'a division by zero', compute({ $divide: ['$a', 0] })],
    [16020, 'too few arguments', compute({ $cond: [1, 2] })],
    [17124, 'the size of a number', compute({ $size: '$a' })],
    [85, 'the same index by another name', index({ a: 1 }, { unique: true, name: 'other' })],
    [86, 'another index by the same name', index({ b: 1 }, { name: 'a_1' })],
    [86, 'the same name with other options', index({ a: 1 })],
    [85, 'another time to live', index({ at: 1 }, { expireAfterSeconds: 5 })],
    [67, 'an unknown kind of index', index({ a: 'foo' })],
    [67, 'a compound index with a time to live', index({ a: 1, b: 1 }, { expireAfterSeconds: 5 })],
    [197, 'an unknown index option', index({ q: 1 }, { foo: 1 })],
    [
      67,
      'a partial index by a condition that none can have',
      index({ q: 1 }, { partialFilterExpression: { a: { $ne: 1 } } }),
    ],
    [27, 'dropping an index that does not exist', { dropIndexes: 'things', index: 'nope' }],
    [72, 'dropping the index of _id', { dropIndexes: 'things', index: '_id_' }],
    [26, 'listing the indexes of nothing', { listIndexes: 'nothing' }],
    [26, 'changing nothing', { collMod: 'nothing', validator: {} }],
    [
      27,
      'changing an index that does not exist',
      { collMod: 'things', index: { name: 'nope', expireAfterSeconds: 5 } },
    ],
    [48, 'a collection that exists with other options', { create: 'things', validator: { a: 1 } }],
    [115, 'a capped collection', { create: 'capped', capped: true, size: 1000 }],
    [9, 'an unknown keyword in a schema', { create: 'v', validator: { $jsonSchema: { foo: 1 } } }],
    [251, 'a transaction that was never started', { ...find({}), ...numbered(), autocommit: false }],
    [
      263,
      'a command that no transaction can have',
      { count: 'things', ...numbered(), autocommit: false, startTransaction: true },
    ],
    [13, 'an administrative command elsewhere', { replSetGetStatus: 1 }],
  ])('%i: %s', async (code, _what, command) => {
    expect(await failure(command)).toMatchObject({ code });
  });

  it.each<[number, string, Document]>([
    [26, 'renaming nothing', { renameCollection: 'errors.nothing', to: 'errors.x' }],
    [48, 'renaming over another collection', { renameCollection: 'errors.things', to: 'errors.view' }],
    [73, 'renaming to no namespace', { renameCollection: 'errors.things', to: 'x' }],
    [115, 'renaming to another database', { renameCollection: 'errors.things', to: 'other.things' }],
    [72, 'an unknown parameter', { setParameter: 1, foo: 1 }],
    [2, 'an interval of nothing', { setParameter: 1, ttlMonitorSleepSecs: 0 }],
    [23, 'initiating twice', { replSetInitiate: {} }],
    [262, 'stepping down', { replSetStepDown: 60 }],
    [18, 'signing in', { saslStart: 1, mechanism: 'SCRAM-SHA-256', payload: '' }],
    [59, 'a fail point without test commands', { configureFailPoint: 'failCommand', mode: 'off' }],
  ])('admin: %i: %s', async (code, _what, command) => {
    const admin = (await server.client()).db('admin');
    expect(await failure(command, admin)).toMatchObject({ code });
  });

  it('gives the code, its name and the text', async () => {
    expect(await failure({ frobnicate: 1 })).toEqual({
      code: 59,
      codeName: 'CommandNotFound',
      message: "no such command: 'frobnicate'",
    });
  });

  it('refuses a transaction number without a session, which a driver would not send', async () => {
    const client = await RawClient.connect(server.port);
    const command = { find: 'things', txnNumber: Long.ONE, $db: 'errors' };
    expect(await client.command(command)).toMatchObject({ ok: 0, code: 72 });
    client.destroy();
  });

  it('interrupts what takes longer than it may', async () => {
    const numbers = Array.from({ length: 3000 }, (_, n) => ({ n }));
    await db.collection('numbers').insertMany(numbers);
    const everyPair = {
      from: 'numbers',
      let: { n: '$n' },
      pipeline: [{ $match: { $expr: { $lt: ['$n', '$$n'] } } }],
      as: 'below',
    };
    const slow = db.collection('numbers').aggregate([{ $lookup: everyPair }, { $match: { n: -1 } }], { maxTimeMS: 50 });
    await expect(slow.toArray()).rejects.toMatchObject({ code: 50, codeName: 'MaxTimeMSExpired' });
    expect(await db.collection('numbers').countDocuments({ n: 1 })).toBe(1);
  });

  it('reports each write of an unordered batch by its index', async () => {
    const batch = [{ _id: 1 }, { _id: 100, a: 100 }, { _id: 101, a: 1 }, { _id: 102, a: 102 }];
    const error = await things.insertMany(batch, { ordered: false }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MongoBulkWriteError);
    const { result, writeErrors } = error as MongoBulkWriteError;
    expect(result.insertedCount).toBe(2);
    expect([writeErrors].flat().map(({ index, code }) => [index, code])).toEqual([
      [0, 11000],
      [2, 11000],
    ]);
  });

  it('stops an ordered batch at the first error', async () => {
    const batch = [{ _id: 200, a: 200 }, { _id: 1 }, { _id: 201, a: 201 }];
    await expect(things.insertMany(batch)).rejects.toMatchObject({ code: 11000 });
    expect(await things.countDocuments({ _id: { $in: [200, 201] } })).toBe(1);
  });
});

function numbered(): Document {
  return { lsid: { id: new UUID() }, txnNumber: Long.ONE };
}
