import mongoose, { type Connection } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
let connection: Connection;
let models: ReturnType<typeof modelsOf>;

beforeAll(async () => {
  server = await startServer();
  connection = await mongoose.createConnection(server.uri, { dbName: 'mongoose', autoIndex: false }).asPromise();
  models = modelsOf(connection);
});
afterAll(async () => {
  await connection?.close();
  await server?.close();
});

const teamSchema = new mongoose.Schema({ name: String });
const userSchema = new mongoose.Schema(
  {
    email: { type: String, required: true, lowercase: true, trim: true },
    age: { type: Number, min: 0 },
    roles: [String],
    team: { type: mongoose.Schema.Types.ObjectId, ref: 'Team' },
    address: { city: String, tags: [{ name: String }] },
    joined: Date,
    secret: { type: Buffer, select: false },
  },
  { timestamps: true, optimisticConcurrency: true, autoCreate: false },
);
userSchema.index({ email: 1 }, { unique: true, name: 'email_unique' });
userSchema.index({ roles: 1, _id: -1 });

const modelsOf = (on: Connection) => ({ User: on.model('User', userSchema), Team: on.model('Team', teamSchema) });

describe('mongoose', () => {
  it('makes collections with the validator of a schema, and its indexes', async () => {
    const { User } = models;
    await User.createCollection({ validator: { $jsonSchema: userSchema.toJSONSchema({ useBsonType: true }) } });
    await User.createIndexes();
    expect(Object.keys(await User.collection.indexInformation())).toEqual(['_id_', 'email_unique', 'roles_1__id_-1']);
    expect(await User.diffIndexes()).toMatchObject({ toDrop: [], toCreate: [] });
    await expect(User.collection.insertOne({ email: 'x', age: 'old' })).rejects.toMatchObject({ code: 121 });
  });

  it('creates, changes and reads documents', async () => {
    const { User } = models;
    const user = await User.create({ email: ' Ada@X.Example ', age: 36, roles: ['admin'], secret: Buffer.from('s') });
    expect(user.get('email')).toBe('ada@x.example');
    user.set('address', { city: 'London', tags: [{ name: 'home' }] });
    await user.save();
    const found = await User.findOne({ email: 'ada@x.example' }).select('+secret').lean();
    expect(found).toMatchObject({ age: 36, address: { city: 'London', tags: [{ name: 'home' }] }, __v: 1 });
    expect(found?.['createdAt']).toBeInstanceOf(Date);
    await User.updateOne({ _id: user._id }, { $push: { roles: 'user' }, $inc: { age: 1 } });
    expect(await User.findById(user._id)).toMatchObject({ age: 37, roles: ['admin', 'user'] });
  });

  it('reports a duplicate with its key', async () => {
    const { User } = models;
    await User.create({ email: 'twin@x.example' });
    await expect(User.create({ email: 'TWIN@x.example' })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { email: 1 },
      keyValue: { email: 'twin@x.example' },
    });
  });

  it('notices a concurrent change', async () => {
    const { User } = models;
    const { _id } = await User.create({ email: 'race@x.example', age: 1 });
    const [first, second] = [await User.findById(_id).orFail(), await User.findById(_id).orFail()];
    first.set('age', 2);
    await first.save();
    second.set('age', 3);
    await expect(second.save()).rejects.toBeInstanceOf(mongoose.Error.VersionError);
    expect(await User.findById(_id).lean()).toMatchObject({ age: 2 });
  });

  it('populates and aggregates', async () => {
    const { User, Team } = models;
    const team = await Team.create({ name: 'core' });
    await User.create(['p1', 'p2'].map((name) => ({ email: `${name}@x.example`, team: team._id, age: 10 })));
    const found = await User.findOne({ email: 'p1@x.example' }).populate('team').lean();
    expect(found?.['team']).toMatchObject({ name: 'core' });
    const grouped = User.aggregate([
      { $match: { team: team._id } },
      { $group: { _id: '$team', age: { $sum: '$age' } } },
    ]);
    expect(await grouped).toEqual([{ _id: team._id, age: 20 }]);
  });

  it('runs transactions', async () => {
    const { User } = models;
    await connection.transaction(async (session) => {
      await User.create([{ email: 't1@x.example' }, { email: 't2@x.example' }], { session, ordered: true });
    });
    expect(await User.countDocuments({ email: /^t\d/ })).toBe(2);
    const failing = connection.transaction(async (session) => {
      await User.create([{ email: 't3@x.example' }], { session });
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await User.countDocuments({ email: /^t\d/ })).toBe(2);
  });

  it('walks through many documents with a cursor', async () => {
    const Item = connection.model('Item', new mongoose.Schema({ n: Number }));
    await Item.insertMany(Array.from({ length: 500 }, (_, n) => ({ n })));
    let sum = 0;
    for await (const item of Item.find({ n: { $lt: 300 } })
      .sort({ _id: 1 })
      .lean()
      .cursor({ batchSize: 50 }))
      sum += item.n ?? 0;
    expect(sum).toBe((299 * 300) / 2);
    const page = await Item.find({ n: { $gte: 490 } })
      .sort({ n: -1 })
      .skip(2)
      .limit(3)
      .lean();
    expect(page.map(({ n }) => n)).toEqual([497, 496, 495]);
  });

  it('upserts and writes in bulk', async () => {
    const { User } = models;
    const upsert = { upsert: true, returnDocument: 'after', setDefaultsOnInsert: true } as const;
    const made = await User.findOneAndUpdate({ email: 'up@x.example' }, { $set: { age: 5 } }, upsert);
    expect(made).toMatchObject({ email: 'up@x.example', age: 5 });
    const result = await User.bulkWrite([
      { insertOne: { document: { email: 'b1@x.example' } } },
      { updateOne: { filter: { email: 'up@x.example' }, update: { $set: { age: 6 } } } },
      { deleteOne: { filter: { email: 'b1@x.example' } } },
    ]);
    expect(result).toMatchObject({ insertedCount: 1, modifiedCount: 1, deletedCount: 1 });
  });
});
