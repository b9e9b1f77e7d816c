import { type ClientSession, type InferSchemaType, model, Schema } from 'mongoose';

const LIMITS = Object.freeze({ id: 32, location: 1024, segment: 128, hash: 64 });

/**
 * An unbroken line of segments that the journal is shipped in, one for each place. It is in no backup: a database that
 * was restored goes on from another moment than the one that the line went on from, and begins a line of its own.
 */
const timelineSchema = new Schema(
  {
    /** Random, in hexadecimal digits. */
    _id: { type: String, required: true, maxlength: LIMITS.id },
    /** Where it is stored, without credentials. */
    location: { type: String, required: true, maxlength: LIMITS.location },
    startedAt: { type: Date, required: true },
    /** Of the last segment; 0 before the first. */
    sequence: { type: Number, required: true },
    /** File name of the last segment. */
    segment: { type: String, maxlength: LIMITS.segment },
    /** SHA-256 of that file. */
    hash: { type: String, maxlength: LIMITS.hash },
    /** Whatever was acknowledged before is in a segment. */
    through: { type: Date, required: true },
  },
  { collection: 'journal_timelines', versionKey: false },
);

timelineSchema.index({ location: 1 }, { name: 'idx_journal_timelines_location', unique: true });

export const Timeline = model('Timeline', timelineSchema);
export type TimelineRecord = InferSchemaType<typeof timelineSchema>;

export const timelineAt = (location: string): Promise<TimelineRecord | null> =>
  Timeline.findOne({ location }).lean<TimelineRecord>();

/** Begins one, unless somebody has. */
export async function beginTimeline(id: string, location: string, now: Date): Promise<TimelineRecord> {
  const made = { _id: id, startedAt: now, sequence: 0, through: new Date(0) };
  await Timeline.updateOne({ location }, { $setOnInsert: made }, { upsert: true });
  return (await timelineAt(location)) as TimelineRecord;
}

export type ShippedSegment = Required<Pick<TimelineRecord, 'segment' | 'hash'>>;

/** @returns false when another one has shipped meanwhile: what this one has is shipped again */
export async function moveTimeline(
  tx: ClientSession | undefined,
  { _id, sequence }: TimelineRecord,
  to: { readonly through: Date } & Partial<Pick<TimelineRecord, 'segment' | 'hash'>>,
): Promise<boolean> {
  const more = to.segment === undefined ? {} : { sequence: sequence + 1 };
  const { matchedCount } = await Timeline.updateOne(
    { _id, sequence },
    { $set: { ...to, ...more } },
    tx ? { session: tx } : {},
  );
  return matchedCount === 1;
}
