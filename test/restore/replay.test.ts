import { Binary, BSON, Decimal128, type Document, Double, Int32, Long, ObjectId } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { Replay } from '../../src/restore/replay.ts';
import { databases } from '../helpers/databases.ts';

const { fresh } = databases();

const UNTIL = new Date('2026-01-31T12:00:00Z');
const BEFORE = new Date(+UNTIL - 1_000);
const AFTER = new Date(+UNTIL + 1);

/** What the journal has of one change: without an image, of a removal. */
const entry = (documentId: unknown, revision: number, image?: object, at = BEFORE, collection = 'notes') =>
  BSON.serialize({
    at,
    collection,
    documentId,
    revision,
    ...(image && { image: { _id: documentId, ...image, journalRevision: revision } }),
  });

/** What a database holds that held `loaded`, after those entries. */
async function replayed(loaded: readonly Document[], entries: readonly Uint8Array[], past = false) {
  const db = fresh();
  const notes = await db.createCollection('notes');
  if (loaded.length > 0) await notes.insertMany([...loaded]);
  const replay = new Replay(db, UNTIL, ['notes']);
  for (const each of entries) await replay.add(each, past);
  await replay.end();
  const found = await notes.find().sort({ _id: 1 }).toArray();
  return { db, replay, texts: found.map(({ text }) => text) };
}

const [a, b] = [new ObjectId(), new ObjectId()];
const image = (text: string) => ({ text });
const stored = (text: string, journalRevision?: number) => ({
  _id: a,
  text,
  ...(journalRevision !== undefined && { journalRevision }),
});

describe('of several images of a document', () => {
  it('the newest stays, whatever their order and however often they come', async () => {
    const entries = [entry(a, 3, image('third')), entry(a, 1, image('first')), entry(a, 2, image('second'))];
    for (const order of [entries, entries.toReversed(), [...entries, ...entries]])
      expect((await replayed([], order)).texts).toEqual(['third']);
  });

  it('one that is older than what was loaded changes nothing, and a newer one does', async () => {
    expect((await replayed([stored('loaded', 5)], [entry(a, 4, image('older'))])).texts).toEqual(['loaded']);
    expect((await replayed([stored('loaded', 5)], [entry(a, 6, image('newer'))])).texts).toEqual(['newer']);
    expect((await replayed([stored('of before the journal')], [entry(a, 1, image('newer'))])).texts).toEqual(['newer']);
  });

  it('an older one that comes far behind a newer one changes nothing', async () => {
    const others = Array.from({ length: 600 }, () => entry(new ObjectId(), 1, image('other')));
    const { texts } = await replayed([], [entry(a, 2, image('newer')), ...others, entry(a, 1, image('older'))]);
    expect(texts.filter((text) => text !== 'other')).toEqual(['newer']);
    expect(texts).toHaveLength(601);
  });

  it('the same revision of several documents is one of each', async () => {
    const entries = [entry(a, 1, image('a')), entry(b, 1, image('b')), entry('a string', 1, image('s'))];
    expect((await replayed([], entries)).texts.sort()).toEqual(['a', 'b', 's']);
  });
});

describe('a document that was removed', () => {
  const gone = entry(a, 3);
  it('stays so, whether it was loaded, made meanwhile or never seen', async () => {
    expect((await replayed([stored('loaded', 2)], [gone])).texts).toEqual([]);
    expect((await replayed([stored('loaded')], [gone])).texts).toEqual([]);
    expect((await replayed([], [entry(a, 1, image('made')), gone])).texts).toEqual([]);
    expect((await replayed([], [gone])).texts).toEqual([]);
  });

  it('is not brought back by an older image that comes behind it', async () => {
    const others = Array.from({ length: 600 }, () => entry(new ObjectId(), 1, image('other')));
    const { texts } = await replayed([stored('loaded', 1)], [gone, ...others, entry(a, 2, image('older'))]);
    expect(new Set(texts)).toEqual(new Set(['other']));
  });

  it('is there still at a moment before', async () => {
    expect((await replayed([stored('loaded', 2)], [entry(a, 3, undefined, AFTER)])).texts).toEqual(['loaded']);
  });
});

it('what is later than the moment is left out, unless it is known to have been committed before', async () => {
  const entries = [entry(a, 1, image('at it'), UNTIL), entry(a, 2, image('later'), AFTER)];
  expect((await replayed([], entries)).texts).toEqual(['at it']);
  expect((await replayed([], entries, true)).texts).toEqual(['later']);
});

it('entries of collections that nothing is known of are not counted, and make none', async () => {
  const { db, replay } = await replayed([], [entry(a, 1, image('x'), BEFORE, 'others'), entry(b, 1, image('y'))]);
  expect(replay.entries).toBe(1);
  expect((await db.listCollections().toArray()).map(({ name }) => name)).toEqual(['notes']);
  expect(replay.touched).toEqual(['notes']);
});

/** The bytes of the only document that there is after an entry. */
async function rawOf(bytes: Uint8Array): Promise<string> {
  const { db } = await replayed([], [bytes]);
  const [raw] = (await db.collection('notes').find({}, { raw: true }).toArray()) as unknown as Uint8Array[];
  return Buffer.from(raw ?? []).toString('hex');
}

it('values keep their types, to the byte', async () => {
  const values = {
    double: new Double(1),
    int: new Int32(1),
    long: Long.fromString('9007199254740993'),
    small: Long.fromNumber(7),
    decimal: Decimal128.fromString('1.10'),
    negative: new Double(-0),
    nan: new Double(Number.NaN),
    date: new Date(1_769_860_800_123),
    binary: new Binary(Buffer.from([0, 1, 255])),
    uuid: new Binary(Buffer.alloc(16, 7), Binary.SUBTYPE_UUID),
    expression: new BSON.BSONRegExp('^a', 'i'),
    nothing: null,
    nested: { list: [new Int32(1), new Double(1), { deep: Long.fromNumber(1) }] },
  };
  const expected = BSON.serialize({ _id: a, ...values, journalRevision: 1 });
  expect(await rawOf(entry(a, 1, values))).toBe(Buffer.from(expected).toString('hex'));
});

it('fields keep their order, also those whose names are numbers', async () => {
  const labels = new Map<string, unknown>([
    ['b', 1],
    [
      '2',
      [
        new Map([
          ['y', 1],
          ['1', 2],
        ]),
        'text',
      ],
    ],
    ['a', { plain: true }],
    ['1', Long.fromNumber(4)],
  ]);
  const image = new Map<string, unknown>([
    ['_id', a],
    ['labels', labels],
    ['text', 'behind'],
  ]);
  const bytes = BSON.serialize({ at: BEFORE, collection: 'notes', documentId: a, revision: 1, image });
  expect(await rawOf(bytes)).toBe(Buffer.from(BSON.serialize(image)).toString('hex'));
});
