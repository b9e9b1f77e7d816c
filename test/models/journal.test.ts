import mongoose, { type InferSchemaType, model, Schema, Types } from 'mongoose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { collections, resources } from '../../src/collections/index.ts';
import { transaction } from '../../src/database.ts';
import { purgeDocument } from '../../src/models/document-purge.ts';
import { Journal, type JournalEntry } from '../../src/models/journal.ts';
import { keepJournal } from '../../src/models/journaling.ts';
import { Team } from '../../src/models/team.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Person, person } from '../helpers/people.ts';
import { newTeam } from '../helpers/teams.ts';

const pageSchema = new Schema(
  { title: String, userId: Schema.Types.ObjectId, hash: { type: String, select: false, default: 'secret' } },
  { collection: 'pages', versionKey: false },
);

let service: TestApp;
let Page: ReturnType<typeof makeModel>;
const makeModel = () => model('JournaledPage', pageSchema);
beforeAll(async () => {
  service = await buildTestApp();
  Page = makeModel();
  keepJournal({ collection: Page.collection, name: 'pages', accountPaths: ['userId'] });
  await mongoose.connection.createCollection('pages');
});
afterAll(async () => {
  mongoose.deleteModel('JournaledPage');
  await service.close();
});
beforeEach(async () => {
  await Journal.deleteMany({});
});

type PageRecord = InferSchemaType<typeof pageSchema> & { _id: Types.ObjectId };

const entries = (): Promise<JournalEntry[]> => Journal.find().sort({ revision: 1 }).lean<JournalEntry[]>();

/** What the journal says that the collection was like: of each document the image with the highest revision. */
async function replayed(until = new Date(8.64e15)): Promise<Map<string, unknown>> {
  const last = new Map<string, JournalEntry>();
  for (const entry of await Journal.find({ collection: 'pages', at: { $lte: until } }).lean<JournalEntry[]>()) {
    const known = last.get(String(entry.documentId));
    if (!known || known.revision < entry.revision) last.set(String(entry.documentId), entry);
  }
  return new Map([...last].flatMap(([id, { image }]) => (image ? [[id, image]] : [])));
}

const stored = async (): Promise<Map<string, unknown>> =>
  new Map((await mongoose.connection.collection('pages').find().toArray()).map((page) => [String(page._id), page]));

const agree = async () => expect(await replayed()).toEqual(await stored());

describe('each way to write leaves the image of what it has changed', () => {
  const title = (text: string) => ({ $set: { title: text } });
  const make = async (text = 'one'): Promise<Types.ObjectId> => {
    const [page] = await transaction((tx) => Page.create([{ title: text }], { session: tx }));
    return page?._id as Types.ObjectId;
  };
  const ways: Record<string, (id: Types.ObjectId) => Promise<unknown>> = {
    updateOne: (id) => transaction((tx) => Page.updateOne({ _id: id }, title('x'), { session: tx })),
    'updateOne by another path': () =>
      transaction((tx) => Page.updateOne({ title: 'one' }, title('x'), { session: tx })),
    updateMany: () => transaction((tx) => Page.updateMany({}, title('x'), { session: tx })),
    'updateMany that ends its own filter': () =>
      transaction((tx) => Page.updateMany({ title: 'one' }, { $unset: { title: 1 } }, { session: tx })),
    findOneAndUpdate: (id) =>
      transaction((tx) =>
        Page.findOneAndUpdate({ _id: id }, title('x'), { session: tx, returnDocument: 'after' }).lean(),
      ),
    'findOneAndUpdate that gives the old one': (id) =>
      transaction((tx) => Page.findOneAndUpdate({ _id: id }, title('x'), { session: tx }).lean()),
    'findOneAndUpdate by a pipeline': (id) =>
      transaction((tx) =>
        Page.findOneAndUpdate({ _id: id }, [title('x')], {
          session: tx,
          updatePipeline: true,
          projection: { _id: 1 },
        }).lean(),
      ),
    'an upsert': () =>
      transaction((tx) =>
        Page.updateOne({ title: 'new' }, { $setOnInsert: { title: 'new' } }, { session: tx, upsert: true }),
      ),
    'an upsert of many': () =>
      transaction((tx) =>
        Page.updateMany({ title: 'new' }, { $setOnInsert: { title: 'new' } }, { session: tx, upsert: true }),
      ),
    'an upsert that gives the old one, which was not there': () =>
      transaction((tx) =>
        Page.findOneAndUpdate({ title: 'new' }, title('new'), { session: tx, upsert: true, returnDocument: 'before' }),
      ),
    'updateOne where several match': () => transaction((tx) => Page.updateOne({}, title('x'), { session: tx })),
    'a document that is changed in memory afterwards': (id) =>
      transaction(async (tx) => {
        const after = { session: tx, returnDocument: 'after' } as const;
        const page = await Page.findOneAndUpdate({ _id: id }, title('x'), after).lean();
        if (page) page.title = 'in memory';
        const made = { _id: new Types.ObjectId(), title: 'made' };
        await Page.collection.insertOne(made as never, { session: tx });
        made.title = 'in memory';
      }),
    bulkWrite: (id) =>
      transaction((tx) =>
        Page.collection.bulkWrite(
          [
            { updateOne: { filter: { _id: id }, update: title('x') } },
            { updateMany: { filter: { title: 'other' }, update: title('y') } },
          ],
          { session: tx },
        ),
      ),
    save: async (id) => {
      const page = await Page.findById(id);
      page?.set('title', 'x');
      await transaction(async (tx) => page?.save({ session: tx }));
    },
    insertMany: () => transaction((tx) => Page.insertMany([{ title: 'a' }, { title: 'b' }], { session: tx })),
    'insertOne of the driver': () =>
      transaction((tx) => Page.collection.insertOne({ title: 'raw' } as never, { session: tx })),
    deleteOne: (id) => transaction((tx) => Page.deleteOne({ _id: id }, { session: tx })),
    deleteMany: () => transaction((tx) => Page.deleteMany({}, { session: tx })),
    findOneAndDelete: (id) => transaction((tx) => Page.findOneAndDelete({ _id: id }, { session: tx }).lean()),
    'several at once': (id) =>
      transaction(async (tx) => {
        await Page.updateOne({ _id: id }, title('x'), { session: tx });
        await Page.updateOne({ _id: id }, title('y'), { session: tx });
        const [made] = await Page.create([{ title: 'short-lived' }], { session: tx });
        await Page.deleteOne({ _id: made?._id }, { session: tx });
      }),
    'a write outside of any transaction': (id) => Page.updateOne({ _id: id }, title('x')),
    'one outside that has no options': (id) => Page.collection.deleteOne({ _id: id }),
  };

  beforeEach(async () => {
    await transaction((tx) => Page.deleteMany({}, { session: tx }));
    await Journal.deleteMany({});
  });

  it.each(Object.keys(ways))('%s', async (name) => {
    const id = await make();
    await make('other');
    await ways[name]?.(id);
    await agree();
    expect((await entries()).length).toBeGreaterThan(2);
  });

  it('nothing where nothing was changed', async () => {
    const nobody = { _id: new Types.ObjectId() };
    await transaction(async (tx) => {
      await Page.updateOne(nobody, title('x'), { session: tx });
      await Page.updateMany(nobody, title('x'), { session: tx });
      await Page.findOneAndUpdate(nobody, title('x'), { session: tx }).lean();
      await Page.deleteOne(nobody, { session: tx });
    });
    expect(await entries()).toEqual([]);
  });
});

it('all entries of a transaction have its id and its time, and one document has one', async () => {
  await transaction(async (tx) => {
    const [one] = await Page.create([{ title: 'a' }, { title: 'b' }], { session: tx, ordered: true });
    await Page.updateOne({ _id: one?._id }, { $set: { title: 'c' } }, { session: tx });
  });
  const written = await entries();
  expect(written).toHaveLength(2);
  expect(new Set(written.map(({ transactionId, at }) => `${transactionId} ${at.getTime()}`)).size).toBe(1);
});

it('a document that is made anew under the id of one that was removed comes after it', async () => {
  const { _id } = await Page.create({ title: 'first' });
  for (const title of ['a', 'b', 'c']) await Page.updateOne({ _id }, { $set: { title } });
  await new Promise((resolve) => setTimeout(resolve, 10));
  await transaction(async (tx) => {
    await Page.deleteOne({ _id }, { session: tx });
    await Page.create([{ _id, title: 'second' }], { session: tx });
  });
  expect((await replayed()).get(String(_id))).toMatchObject({ title: 'second' });
});

it('what is rolled back leaves no entry', async () => {
  const failing = transaction(async (tx) => {
    await Page.create([{ title: 'never' }], { session: tx });
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await entries()).toEqual([]);
});

it('parallel changes of one document are counted one after the other', async () => {
  const page = await Page.create({ title: '0' });
  const change = (n: number) =>
    transaction((tx) => Page.updateOne({ _id: page._id }, { $set: { title: String(n) } }, { session: tx }));
  await Promise.all(Array.from({ length: 8 }, (_, n) => change(n)));
  const [first, ...others] = (await entries()).map(({ revision }) => revision);
  expect(others.map((revision) => revision - (first ?? 0))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const current = await Page.findById(page._id).lean<PageRecord>();
  expect((await replayed()).get(String(page._id))).toMatchObject({ title: current?.title });
});

it('the state of a moment is what was there then', async () => {
  await transaction((tx) => Page.deleteMany({}, { session: tx }));
  const moments: { at: Date; state: Map<string, unknown> }[] = [];
  const ids: Types.ObjectId[] = [];
  for (let n = 0; n < 12; n += 1) {
    if (n % 3 === 2) await transaction((tx) => Page.deleteOne({ _id: ids.shift() }, { session: tx }));
    else if (n % 3 === 1) await transaction((tx) => Page.updateMany({}, { $set: { title: `${n}` } }, { session: tx }));
    else ids.push((await Page.create({ title: `${n}` }))._id);
    await new Promise((resolve) => setTimeout(resolve, 3));
    moments.push({ at: new Date(), state: await stored() });
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  for (const { at, state } of moments) expect(await replayed(at)).toEqual(state);
});

it('a session that is not one of transaction() changes nothing journaled, and neither does what would pass by', async () => {
  const session = await mongoose.connection.startSession();
  await expect(Page.updateOne({}, { $set: { title: 'x' } }, { session })).rejects.toThrow('transaction() alone');
  await session.endSession();
  const replacing = Page.collection.bulkWrite([{ replaceOne: { filter: {}, replacement: {} } }]);
  await expect(replacing).rejects.toThrow('would pass the journal by');
  expect(() => Page.collection.replaceOne({}, {})).toThrow('would pass the journal by');
});

describe('domain collections', () => {
  let ada: Person;
  beforeAll(async () => {
    ada = await person(service);
  });

  it('are journaled, all of them', () => {
    const domain = resources.flatMap((each) => each.collections.map(({ name }) => name));
    expect(domain.length).toBeGreaterThan(2);
    const left = collections.flatMap(({ name, notJournaled }) => (notJournaled === undefined ? [] : [name]));
    expect(domain.filter((name) => left.includes(name))).toEqual([]);
  });

  it('leave images by their routes', async () => {
    const team = await newTeam(ada);
    await ada.call('PATCH', team.url, { name: 'Looms' });
    await ada.call('DELETE', team.url);
    const own = await Journal.find({ documentId: new Types.ObjectId(team.id) })
      .sort({ revision: 1 })
      .lean<JournalEntry[]>();
    expect(own.map(({ image }) => [image?.['name'], image?.['deletedAt'] !== undefined])).toContainEqual([
      'Looms',
      true,
    ]);
    expect(own[0]?.image).toMatchObject({ name: 'Engines', revision: 1 });
  });

  it('forget an erased account with what belonged to it', async () => {
    const admin = await person(service, { roles: ['admin'] });
    const gone = await person(service);
    const team = await newTeam(gone);
    const other = await newTeam(ada);
    expect(await Journal.countDocuments({ accounts: gone.id })).toBeGreaterThan(0);
    await gone.call('DELETE', team.url);
    const guests = `/v1/teams/${other.id}/invitations`;
    const invited = await ada.call('POST', guests, { email: gone.email, role: 'member' });
    await ada.call('DELETE', `${guests}/${invited.json().id}`);
    expect((await ada.call('POST', guests, { email: gone.email, role: 'member' })).statusCode).toBe(201);
    expect(await Journal.countDocuments({ collection: 'invitations', 'image.email': gone.email })).toBe(2);
    const erased = await admin.call('POST', `/v1/admin/users/${gone.id}/erase`, { reason: 'x' });
    expect(erased.statusCode, erased.body).toBe(200);
    const left = await Journal.find().lean<JournalEntry[]>();
    expect(JSON.stringify(left)).not.toContain(gone.email);
    // The audit trail tells of the account by its id, and nothing else of it.
    const others = left.filter(({ collection, documentId }) => collection !== 'audit_events' && documentId !== gone.id);
    expect(JSON.stringify(others.map(({ image }) => image))).not.toContain(gone.id);
    expect(await Journal.countDocuments({ documentId: new Types.ObjectId(other.id) })).toBeGreaterThan(0);
  });

  it('forget what is purged with what belonged to it, but not that it is gone', async () => {
    const team = await newTeam(ada);
    const _id = new Types.ObjectId(team.id);
    await ada.call('DELETE', team.url);
    await transaction((tx) => Team.updateOne({ _id }, { $set: { purgeAt: new Date(0) } }, { session: tx }));
    const about = { $or: [{ documentId: _id }, { 'image.teamId': _id }] };
    expect(await Journal.countDocuments(about)).toBeGreaterThan(4);
    expect(await purgeDocument('Team', _id)).toBe('purged');
    const left = await Journal.find(about).lean<JournalEntry[]>();
    expect(left.map(({ collection, image }) => [collection, image])).toEqual([['teams', undefined]]);
  });
});
