import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BSON, ObjectId } from 'mongodb';
import mongoose from 'mongoose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readSegment, type SegmentHeader, writeSegment } from '../../src/backup/journal/segment.ts';
import { shipJournal } from '../../src/backup/journal/ship.ts';
import { entriesOf, openTimeline, removeOldSegments } from '../../src/backup/journal/timeline.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { Journal } from '../../src/models/journal.ts';
import { JournalShipping } from '../../src/models/journal-shipping.ts';
import { restores } from '../helpers/restores.ts';

const trial = restores();
const MINUTE_MS = 60_000;

beforeEach(async () => {
  await Journal.deleteMany({});
  await JournalShipping.deleteMany({});
});

/** Puts an entry into the journal that is still to be shipped. */
async function note(name: string, at = new Date(), more: object = {}): Promise<void> {
  await Journal.collection.insertOne({
    transactionId: new ObjectId(),
    at,
    collection: 'notes',
    documentId: name,
    revision: 1,
    unshipped: true,
    ...more,
  } as never);
}

const timeline = async () => (await JournalShipping.findOne().orFail().lean()).timeline;
const directory = async () => join(fileURLToPath(trial.url), 'journal', await timeline());
const segments = async () => (await readdir(await directory())).filter((name) => name !== 'head.json').sort();

/** Which entries a restore would read for a moment, in their order. */
async function readFrom(since: Date, storage = trial.storage()): Promise<string[]> {
  const part = await openTimeline(storage, await timeline(), since, trial.keys);
  const names: string[] = [];
  for await (const entry of entriesOf(storage, part, trial.keys)) names.push(BSON.deserialize(entry)['documentId']);
  return names;
}

/** Ships at a time of its own. */
async function shipAt(at: Date): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: at });
  try {
    await trial.ship();
  } finally {
    vi.useRealTimers();
  }
}

const NOW = Date.now();
const ago = (minutes: number) => new Date(NOW - minutes * MINUTE_MS);

describe('shipping', () => {
  it('writes what is new into a segment, and nothing where nothing is', async () => {
    await note('a');
    expect(await trial.ship()).toEqual({ segments: 1, entries: 1 });
    expect(await trial.ship()).toEqual({ segments: 0, entries: 0 });
    await note('b');
    await note('c');
    expect(await trial.ship()).toEqual({ segments: 1, entries: 2 });
    expect(await readFrom(new Date(0))).toEqual(['a', 'b', 'c']);
    expect(await segments()).toHaveLength(2);
    // From now on their time runs.
    expect(await Journal.countDocuments({ unshipped: true })).toBe(0);
    expect(await Journal.countDocuments({ expiresAt: { $gt: new Date() } })).toBe(3);
  });

  it('promises what was acknowledged before it looked, also where nothing was', async () => {
    for (const work of [() => note('a'), async () => {}]) {
      await work();
      const before = new Date();
      await trial.ship();
      const { through } = await openTimeline(trial.storage(), await timeline(), new Date(0), trial.keys);
      expect(+through).toBeGreaterThanOrEqual(+before);
      expect(+through).toBeLessThanOrEqual(Date.now());
    }
  });

  it('takes no promise back by a clock that is behind', async () => {
    await note('a');
    await trial.ship();
    const { through } = await openTimeline(trial.storage(), await timeline(), new Date(0), trial.keys);
    await note('b');
    await shipAt(ago(60));
    const part = await openTimeline(trial.storage(), await timeline(), new Date(0), trial.keys);
    expect(part.through).toEqual(through);
    expect(await readFrom(through)).toEqual(['a', 'b']);
  });

  it('puts more than goes into one segment into several, and leaves no transaction in two', async () => {
    const text = 'x'.repeat(1024 * 1024);
    const transactionAt = ago(1);
    for (let n = 0; n < 7; n += 1) await note(`n${n}`, ago(10 - n), { image: { text } });
    for (const name of ['t1', 't2', 't3']) await note(name, transactionAt, { image: { text } });
    for (let n = 0; n < 7; n += 1) await note(`m${n}`, new Date(NOW + n), { image: { text } });
    await note('last', new Date(NOW + 7));
    expect(await trial.ship()).toEqual({ segments: 2, entries: 18 });
    const [first = ''] = await segments();
    const one = { id: await timeline(), through: new Date(), segments: [first] };
    const inFirst: string[] = [];
    for await (const entry of entriesOf(trial.storage(), one, trial.keys))
      inFirst.push(BSON.deserialize(entry)['documentId']);
    expect(inFirst).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 't1', 't2', 't3']);
    // None is passed over, though the first promised nothing.
    expect(await readFrom(new Date(NOW))).toHaveLength(18);
    await removeOldSegments(trial.storage(), new Date(NOW));
    expect(await segments()).toHaveLength(2);
  });

  it('promises nothing as long as some of it is still to come', async () => {
    const text = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 12; n += 1) await note(`n${n}`, new Date(NOW + n), { image: { text } });
    const stopping = new AbortController();
    const storage = trial.storage();
    const write = storage.write.bind(storage);
    storage.write = async (path, content) => {
      await write(path, content);
      if (path.endsWith('head.json')) stopping.abort(new Error('stopped'));
    };
    const { name: database } = mongoose.connection;
    await expect(shipJournal({ storage, database, keys: trial.keys, signal: stopping.signal })).rejects.toThrow(
      'stopped',
    );
    const part = await openTimeline(trial.storage(), await timeline(), new Date(0), trial.keys);
    expect([part.segments.length, part.through]).toEqual([1, new Date(0)]);
    await trial.ship();
    expect(await readFrom(new Date(0))).toHaveLength(12);
  });

  it('by several at once loses nothing, and the line is whole', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `n${n}`);
    await Promise.all(names.map((name) => note(name)));
    await Promise.all(Array.from({ length: 4 }, () => trial.ship()));
    expect((await readFrom(new Date(0))).sort()).toEqual(names.sort());
  });
});

describe('what is needed of a line', () => {
  beforeEach(async () => {
    for (const [name, minutes] of [
      ['a', 60],
      ['b', 40],
      ['c', 5],
    ] as const) {
      await note(name, ago(minutes));
      await shipAt(ago(minutes));
    }
  });

  it('is read from the moment on, with what may have been under way', async () => {
    expect(await readFrom(ago(61))).toEqual(['a', 'b', 'c']);
    expect(await readFrom(ago(59))).toEqual(['a', 'b', 'c']);
    expect(await readFrom(ago(30))).toEqual(['c']);
    expect(await readFrom(ago(0))).toEqual([]);
  });

  it('is kept by a removal, and what is not needed does not have to be there', async () => {
    await removeOldSegments(trial.storage(), ago(41));
    expect(await segments()).toHaveLength(2);
    expect(await readFrom(ago(41))).toEqual(['b', 'c']);
    await expect(readFrom(ago(61))).rejects.toThrow('is missing');
    // A line on which little happens: there is a long time between two segments.
    await removeOldSegments(trial.storage(), ago(20));
    expect(await segments()).toHaveLength(1);
    expect(await readFrom(ago(20))).toEqual(['c']);
    await removeOldSegments(trial.storage(), ago(0));
    expect(await segments()).toEqual([]);
    expect(await readFrom(ago(0))).toEqual([]);
  });

  it('is all there, or nothing is read', async () => {
    const [, second = '', third = ''] = await segments();
    const path = join(await directory(), second);
    const bytes = await readFile(path);
    await rm(path);
    await expect(readFrom(ago(61))).rejects.toThrow(`${second} of journal ${await timeline()} is missing`);
    await writeFile(path, await readFile(join(await directory(), third)));
    await expect(readFrom(ago(61))).rejects.toThrow(second);
    await writeFile(path, bytes);
    expect(await readFrom(ago(61))).toEqual(['a', 'b', 'c']);
  });
});

it('in clear, too, a segment that another one has taken the place of is noticed', async () => {
  const storage = new DirectoryStorage(await trial.freshDirectory());
  const { signal } = new AbortController();
  const { name: database } = mongoose.connection;
  await note('a');
  await shipJournal({ storage, database, keys: undefined, signal });
  const head = await openTimeline(storage, await timeline(), new Date(0), undefined);
  const [segment = ''] = head.segments;
  const found = await readSegment(storage, head.id, segment, undefined);
  const other = [BSON.serialize({ documentId: 'other', at: new Date() })];
  const { segment: made } = await writeSegment(storage, found?.header as SegmentHeader, other, undefined);
  const path = (name: string) => `journal/${head.id}/${name}`;
  await storage.write(path(segment), (await storage.read(path(made))) as AsyncIterable<Uint8Array>);
  await storage.remove(path(made));
  await expect(openTimeline(storage, head.id, new Date(0), undefined)).rejects.toThrow(
    `${segment} of journal ${head.id} is not the segment that was written`,
  );
});

describe('whoever ships and is killed', () => {
  const HEAD = 'head.json';

  /** Breaks off where a file of that name is about to be written. */
  const killedAt = (name: RegExp): void => {
    const { write } = DirectoryStorage.prototype;
    vi.spyOn(DirectoryStorage.prototype, 'write').mockImplementation(function (this: DirectoryStorage, path, content) {
      return name.test(path) ? Promise.reject(new Error('killed')) : write.call(this, path, content);
    });
  };

  it('before the head is written has shipped all the same', async () => {
    await note('a');
    await trial.ship();
    await note('b');
    killedAt(/head\.json$/);
    await expect(trial.ship()).rejects.toThrow('killed');
    vi.restoreAllMocks();
    expect(await readFrom(new Date(0))).toEqual(['a', 'b']);
    await note('c');
    await trial.ship();
    expect(await readFrom(new Date(0))).toEqual(['a', 'b', 'c']);
  });

  it('before the database knows of it leaves a segment that the next one replaces', async () => {
    await note('a');
    await trial.ship();
    await note('b');
    const moving = vi.spyOn(JournalShipping, 'updateOne').mockImplementation(() => {
      throw new Error('killed');
    });
    await expect(trial.ship()).rejects.toThrow('killed');
    moving.mockRestore();
    expect(await segments()).toHaveLength(2);
    expect(await readFrom(new Date(0))).toEqual(['a', 'b']);
    await note('c');
    await trial.ship();
    expect(await segments()).toHaveLength(3);
    expect(await readFrom(new Date(0))).toEqual(['a', 'b', 'c']);
  });

  it('is what an older head in the place of the newest looks like: nothing is left out', async () => {
    await note('a');
    await trial.ship();
    const older = await readFile(join(await directory(), HEAD));
    for (const name of ['b', 'c', 'd']) {
      await note(name);
      await trial.ship();
    }
    const { through } = await openTimeline(trial.storage(), await timeline(), new Date(0), trial.keys);
    await writeFile(join(await directory(), HEAD), older);
    expect(await readFrom(new Date(0))).toEqual(['a', 'b', 'c', 'd']);
    const again = await openTimeline(trial.storage(), await timeline(), new Date(0), trial.keys);
    expect(again.through).toEqual(through);
  });
});

it('another place begins a line, and so does coming back', async () => {
  const { signal } = new AbortController();
  const to = async (place: string) => {
    const storage = new DirectoryStorage(join(fileURLToPath(trial.url), place));
    await shipJournal({ storage, database: mongoose.connection.name, keys: trial.keys, signal });
    return { storage, id: await timeline(), names: await readFrom(new Date(0), storage) };
  };
  await note('a');
  const first = await to('a');
  await note('b');
  const second = await to('b');
  await note('c');
  const third = await to('a');
  expect(new Set([first.id, second.id, third.id]).size).toBe(3);
  expect([first.names, second.names, third.names]).toEqual([['a'], ['b'], ['c']]);
});
