import { type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
let db: Db;
let users: Collection<Document>;
let run = 0;

beforeAll(async () => {
  server = await startServer({ ttlMonitorSleepSecs: '1' });
  db = (await server.client()).db('schema');
});
afterAll(async () => {
  await server?.close();
});
beforeEach(() => {
  users = db.collection(`users${run++}`);
});

async function failureOf(write: () => Promise<unknown>): Promise<MongoServerError> {
  const error: unknown = await write().then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  );
  if (error instanceof MongoServerError) return error;
  throw error;
}

describe('unique indexes', () => {
  it('name the key and the value of a duplicate, whichever write meets it', async () => {
    await users.createIndex({ email: 1 }, { unique: true, name: 'email_unique' });
    await users.insertMany([{ email: 'a@x' }, { email: 'b@x' }]);
    const writes: [string, () => Promise<unknown>][] = [
      ['insertOne', () => users.insertOne({ email: 'a@x' })],
      ['updateOne', () => users.updateOne({ email: 'b@x' }, { $set: { email: 'a@x' } })],
      ['replaceOne', () => users.replaceOne({ email: 'b@x' }, { email: 'a@x' })],
      ['upsert', () => users.updateOne({ email: 'c@x' }, { $set: { email: 'a@x' } }, { upsert: true })],
      ['findOneAndUpdate', () => users.findOneAndUpdate({ email: 'b@x' }, { $set: { email: 'a@x' } })],
      ['findOneAndReplace', () => users.findOneAndReplace({ email: 'b@x' }, { email: 'a@x' })],
    ];
    for (const [method, write] of writes) {
      const error = await failureOf(write);
      expect([method, error.code]).toEqual([method, 11000]);
      expect([method, error['keyPattern'], error['keyValue']]).toEqual([method, { email: 1 }, { email: 'a@x' }]);
      expect(error.message).toContain(
        `E11000 duplicate key error collection: schema.${users.collectionName} index: email_unique dup key: { email: "a@x" }`,
      );
    }
  });

  it('report _id like any other key', async () => {
    const byId = db.collection<{ _id: string }>('byId');
    await byId.insertOne({ _id: 'x' });
    expect(await failureOf(() => byId.insertOne({ _id: 'x' }))).toMatchObject({
      code: 11000,
      message: 'E11000 duplicate key error collection: schema.byId index: _id_ dup key: { _id: "x" }',
      keyPattern: { _id: 1 },
      keyValue: { _id: 'x' },
    });
  });

  it('hold over several and over nested fields', async () => {
    await users.createIndex({ 'org.id': 1, role: -1 }, { unique: true });
    await users.insertMany([
      { org: { id: 1 }, role: 'a' },
      { org: { id: 1 }, role: 'b' },
    ]);
    expect(await failureOf(() => users.updateOne({ role: 'b' }, { $set: { role: 'a' } }))).toMatchObject({
      code: 11000,
      keyPattern: { 'org.id': 1, role: -1 },
      keyValue: { 'org.id': 1, role: 'a' },
    });
  });

  it('may be sparse or partial', async () => {
    await users.createIndex({ phone: 1 }, { unique: true, sparse: true });
    await users.createIndex({ name: 1 }, { unique: true, partialFilterExpression: { active: true } });
    await users.insertMany([
      { name: 'a', active: true },
      { name: 'a', active: false },
      { name: 'b', active: true, phone: '1' },
    ]);
    expect(await failureOf(() => users.insertOne({ name: 'a', active: true }))).toMatchObject({
      code: 11000,
      keyValue: { name: 'a' },
    });
    expect(await failureOf(() => users.insertOne({ name: 'c', phone: '1' }))).toMatchObject({
      code: 11000,
      keyValue: { phone: '1' },
    });
    expect(await failureOf(() => users.updateOne({ active: false }, { $set: { active: true } }))).toMatchObject({
      code: 11000,
    });
  });

  it('are not built over data that is not unique', async () => {
    await users.insertMany([{ email: 'a' }, { email: 'b' }, { email: 'a' }]);
    expect(await failureOf(() => users.createIndex({ email: 1 }, { unique: true }))).toMatchObject({
      code: 11000,
      codeName: 'DuplicateKey',
      keyPattern: { email: 1 },
      keyValue: { email: 'a' },
    });
    expect(await users.indexes()).toHaveLength(1);
  });
});

describe('indexes', () => {
  it('are listed as they were made', async () => {
    await users.createIndexes([
      { key: { email: 1 }, name: 'email', unique: true },
      { key: { status: 1, _id: -1 }, name: 'status' },
      { key: { at: 1 }, name: 'ttl', expireAfterSeconds: 0 },
      { key: { phone: 1 }, name: 'phone', sparse: true },
      { key: { name: 1 }, name: 'active', partialFilterExpression: { active: true } },
    ]);
    expect(await users.indexes()).toEqual([
      { v: 2, key: { _id: 1 }, name: '_id_' },
      { v: 2, key: { email: 1 }, name: 'email', unique: true },
      { v: 2, key: { status: 1, _id: -1 }, name: 'status' },
      { v: 2, key: { at: 1 }, name: 'ttl', expireAfterSeconds: 0 },
      { v: 2, key: { phone: 1 }, name: 'phone', sparse: true },
      { v: 2, key: { name: 1 }, name: 'active', partialFilterExpression: { active: true } },
    ]);
  });

  it('may be made twice and dropped once', async () => {
    const made = await db.command({ createIndexes: users.collectionName, indexes: [{ key: { a: 1 }, name: 'a' }] });
    expect(made).toMatchObject({ numIndexesBefore: 1, numIndexesAfter: 2, createdCollectionAutomatically: true });
    expect(await users.createIndex({ a: 1 }, { name: 'a' })).toBe('a');
    expect(await users.indexExists('a')).toBe(true);
    await users.dropIndex('a');
    expect(await users.indexExists('a')).toBe(false);
    await expect(users.dropIndex('a')).rejects.toMatchObject({ code: 27, codeName: 'IndexNotFound' });
  });

  it('conflict by key and by name', async () => {
    await users.createIndex({ a: 1 }, { name: 'first' });
    await expect(users.createIndex({ a: 1 }, { name: 'second' })).rejects.toMatchObject({
      code: 85,
      codeName: 'IndexOptionsConflict',
    });
    await expect(users.createIndex({ b: 1 }, { name: 'first' })).rejects.toMatchObject({
      code: 86,
      codeName: 'IndexKeySpecsConflict',
    });
  });

  it('delete what has expired, and only that', async () => {
    await users.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
    await users.insertMany([
      { name: 'past', expiresAt: new Date(Date.now() - 5000) },
      { name: 'future', expiresAt: new Date(Date.now() + 600_000) },
      { name: 'never' },
    ]);
    await eventually('the expired document is gone', async () => (await users.countDocuments({ name: 'past' })) === 0);
    expect(await users.distinct('name')).toEqual(['future', 'never']);
  });
});

describe('validators', () => {
  const validator = {
    $jsonSchema: {
      bsonType: 'object',
      required: ['email', 'age'],
      properties: {
        email: { bsonType: 'string', minLength: 3, pattern: '@' },
        age: { bsonType: 'number', minimum: 0 },
        status: { enum: ['active', 'closed'] },
        tags: { bsonType: 'array', maxItems: 2, items: { bsonType: 'string' } },
      },
    },
  };
  const valid = { email: 'a@x', age: 1, status: 'active', tags: ['x'] };

  it('refuse what breaks them, whichever write brings it', async () => {
    const checked = await db.createCollection(users.collectionName, { validator });
    const { insertedId } = await checked.insertOne({ ...valid });
    const writes = [
      () => checked.insertOne({ age: 1 }),
      () => checked.insertOne({ ...valid, age: 'old' }),
      () => checked.insertOne({ ...valid, email: 'nobody' }),
      () => checked.insertOne({ ...valid, tags: ['a', 'b', 'c'] }),
      () => checked.updateOne({ _id: insertedId }, { $set: { status: 'unknown' } }),
      () => checked.updateOne({ _id: insertedId }, { $unset: { email: '' } }),
      () => checked.replaceOne({ _id: insertedId }, { email: 'a@x' }),
      () => checked.findOneAndUpdate({ _id: insertedId }, { $set: { age: -1 } }),
    ];
    for (const write of writes) {
      const error = await failureOf(write);
      expect(error).toMatchObject({ code: 121, message: 'Document failed validation' });
      expect(error['errInfo']).toMatchObject({
        details: { operatorName: '$jsonSchema' },
      });
    }
    expect(await checked.find({}, { projection: { _id: 0 } }).toArray()).toEqual([valid]);
  });

  it('name the document that failed', async () => {
    const checked = await db.createCollection<Document & { _id: number }>(users.collectionName, { validator });
    const error = await failureOf(() => checked.insertOne({ _id: 7 }));
    expect(error['errInfo']).toMatchObject({ failingDocumentId: 7 });
    await checked.insertOne({ _id: 8, ...valid });
    const updates = [
      () => checked.updateOne({ _id: 8 }, { $unset: { email: '' } }),
      () => checked.findOneAndUpdate({ _id: 8 }, { $unset: { email: '' } }),
    ];
    for (const update of updates) {
      expect((await failureOf(update))['errInfo']).toMatchObject({ failingDocumentId: 8 });
    }
  });

  it('are listed as they were given, changed by collMod, and taken away', async () => {
    const options = { validator, validationLevel: 'strict', validationAction: 'error' };
    const checked = await db.createCollection(users.collectionName, options);
    const listed = async (): Promise<Document> => {
      const [info] = await db.listCollections({ name: users.collectionName }).toArray();
      return info && 'options' in info ? (info.options ?? {}) : {};
    };
    expect(await listed()).toEqual(options);
    const looser = { $jsonSchema: { bsonType: 'object', required: ['email'] } };
    await db.command({ collMod: users.collectionName, validator: looser, validationLevel: 'moderate' });
    expect(await listed()).toEqual({ ...options, validator: looser, validationLevel: 'moderate' });
    await checked.insertOne({ email: 1 });
    await expect(checked.insertOne({ age: 1 })).rejects.toMatchObject({ code: 121 });
    await db.command({ collMod: users.collectionName, validator: {}, validationLevel: 'off' });
    await checked.insertOne({ age: 1 });
    expect(await checked.countDocuments()).toBe(2);
  });

  it('can be passed by on request', async () => {
    const checked = await db.createCollection(users.collectionName, { validator });
    await checked.insertOne({ age: 'any' }, { bypassDocumentValidation: true });
    expect(await checked.countDocuments()).toBe(1);
  });
});

describe('collections and databases', () => {
  it('are listed, renamed and dropped', async () => {
    const other = (await server.client()).db('others');
    await other.createCollection('one');
    await other.collection('two').insertOne({ a: 1 });
    const names = async (): Promise<string[]> =>
      (await other.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).sort();
    expect(await names()).toEqual(['one', 'two']);
    await other.renameCollection('two', 'three');
    expect(await names()).toEqual(['one', 'three']);
    await other.renameCollection('three', 'one', { dropTarget: true });
    expect(await names()).toEqual(['one']);
    expect(await other.collection('one').countDocuments()).toBe(1);
    expect(await other.dropCollection('one')).toBe(true);
    expect(await names()).toEqual([]);
    await other.collection('four').insertOne({ a: 1 });
    const { databases } = await other.admin().listDatabases({ nameOnly: true });
    expect(databases.map(({ name }) => name)).toContain('others');
    await other.dropDatabase();
    expect(await names()).toEqual([]);
  });
});
