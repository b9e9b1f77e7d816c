import { randomBytes } from 'node:crypto';
import { BSON } from 'mongodb';
import type { Types } from 'mongoose';
import { type Transaction, transaction } from '../../database.ts';
import { Journal, markShipped } from '../../models/journal.ts';
import { beginTimeline, moveTimeline, type Timeline, timelineAt } from '../../models/journal-shipping.ts';
import { ALGORITHM } from '../encryption.ts';
import { type BackupKeys, keyCheck } from '../keys.ts';
import type { Storage } from '../storage/storage.ts';
import { type Head, JOURNAL_FORMAT, writeHead } from './head.ts';
import { type SegmentHeader, writeSegment } from './segment.ts';

/** About so much is in one segment, uncompressed: it is held in memory. */
const SEGMENT_BYTES = 8 * 1024 * 1024;

const BATCH = 500;

interface ShippingOptions {
  readonly storage: Storage;
  /** Name of the database. */
  readonly database: string;
  readonly keys: BackupKeys | undefined;
  /** Ends it between two segments. */
  readonly signal: AbortSignal;
}

export interface Shipped {
  readonly segments: number;
  readonly entries: number;
}

/**
 * Writes what the journal has that stands nowhere else yet beside the backups. Whoever is killed in between leaves entries
 * that are shipped again, which is harmless: an image is the same however often it is found.
 */
export async function shipJournal(options: ShippingOptions): Promise<Shipped> {
  const { storage, signal } = options;
  let timeline = await openTimeline(storage);
  const shipped = { segments: 0, entries: 0 };
  for (;;) {
    signal.throwIfAborted();
    // Before it is looked: what is acknowledged until here is found.
    const now = new Date();
    const { entries, isAll } = await transaction(nextEntries);
    // By a clock that is behind, nothing that was promised is taken back.
    const writtenAt = now > timeline.through ? now : timeline.through;
    const through = isAll ? writtenAt : timeline.through;
    const segment = entries.length === 0 ? {} : await shipSegment(options, timeline, entries, { through, writtenAt });
    const moved = await moveOn(timeline, { ...segment, through }, entries);
    // Another instance has shipped meanwhile, and goes on.
    if (!moved) return shipped;
    timeline = moved;
    await writeHead(storage, headOf(options, timeline), options.keys?.writing);
    shipped.segments += entries.length === 0 ? 0 : 1;
    shipped.entries += entries.length;
    if (isAll) return shipped;
  }
}

const openTimeline = async (storage: Storage): Promise<Timeline> =>
  (await timelineAt(storage.location)) ?? beginTimeline(randomBytes(8).toString('hex'), storage.location, new Date());

interface Entry {
  readonly _id: Types.ObjectId;
  readonly raw: Uint8Array;
}

/** The oldest ones. What one transaction has changed has one time, and is not taken apart. */
async function nextEntries(tx: Transaction): Promise<{ entries: Entry[]; isAll: boolean }> {
  const entries: Entry[] = [];
  let [bytes, last] = [0, Number.NaN];
  const found = Journal.collection
    .find({ unshipped: { $exists: true } }, { raw: true, session: tx, batchSize: BATCH })
    .sort({ unshipped: 1, at: 1, _id: 1 }) as unknown as AsyncIterable<Uint8Array>;
  for await (const raw of found) {
    const { _id, at } = BSON.deserialize(raw) as { _id: Types.ObjectId; at: Date };
    if (bytes >= SEGMENT_BYTES && at.getTime() !== last) return { entries, isAll: false };
    entries.push({ _id, raw });
    bytes += raw.length;
    last = at.getTime();
  }
  return { entries, isAll: true };
}

async function moveOn(from: Timeline, to: Partial<Timeline>, entries: readonly Entry[]): Promise<Timeline | undefined> {
  const moved = await transaction(async (tx) => {
    if (!(await moveTimeline(tx, from, to))) return false;
    const ids = entries.map(({ _id }) => _id);
    if (ids.length > 0) await markShipped(tx, ids);
    return true;
  });
  return moved ? { ...from, ...to } : undefined;
}

async function shipSegment(
  { storage, database, keys }: ShippingOptions,
  { timeline, sequence, segment, sha256 }: Timeline,
  entries: readonly Entry[],
  times: Pick<SegmentHeader, 'through' | 'writtenAt'>,
): Promise<Partial<Timeline>> {
  const header = {
    format: JOURNAL_FORMAT,
    timeline,
    database,
    sequence: sequence + 1,
    ...(segment != null && sha256 != null && { previous: { segment, sha256 } }),
    ...times,
    entries: entries.length,
  } as const;
  const images = entries.map(({ raw }) => raw);
  return { sequence: header.sequence, ...(await writeSegment(storage, header, images, keys?.writing)) };
}

function headOf({ database, keys }: ShippingOptions, { timeline, startedAt, through, ...last }: Timeline): Head {
  const { sequence, segment, sha256 } = last;
  const key = keys?.writing;
  return {
    format: JOURNAL_FORMAT,
    id: timeline,
    database,
    startedAt: startedAt.toISOString(),
    through: through.toISOString(),
    sequence,
    ...(segment != null && sha256 != null && { segment, sha256 }),
    encryption: key ? { algorithm: ALGORITHM, keyId: key.id, check: keyCheck(key, timeline) } : null,
  };
}
