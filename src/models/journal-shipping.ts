import { type ClientSession, type InferSchemaType, model, Schema } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';

const LIMITS = Object.freeze({ id: 16, timeline: 32, location: 1024, segment: 128, hash: 64 });

/** There is one document. */
const ID = 'current';

/**
 * How far the journal has been shipped, and where to. A timeline is an unbroken line of segments: another place begins
 * another one, and so does a database that was restored, since this is in no backup.
 */
const shippingSchema = new Schema(
  {
    _id: { type: String, required: true, maxlength: LIMITS.id },
    /** Random, in hexadecimal digits. */
    timeline: { type: String, required: true, maxlength: LIMITS.timeline },
    /** Where it is stored, without credentials. */
    location: { type: String, required: true, maxlength: LIMITS.location },
    startedAt: { type: Date, required: true },
    /** Of the last segment; 0 before the first. */
    sequence: { type: Number, required: true },
    /** File name of the last segment. */
    segment: { type: String, maxlength: LIMITS.segment },
    /** SHA-256 of that file. */
    sha256: { type: String, maxlength: LIMITS.hash },
    /** Whatever was acknowledged before is in a segment. */
    through: { type: Date, required: true },
  },
  { collection: 'journal_shipping', versionKey: false },
);

const Shipping = model('JournalShipping', shippingSchema);

export { Shipping as JournalShipping };

export type Timeline = Omit<InferSchemaType<typeof shippingSchema>, '_id'>;

/** The timeline that goes to that place; null where none does now. */
export const timelineAt = (location: string): Promise<Timeline | null> =>
  Shipping.findOne({ _id: ID, location }, { _id: 0 }).lean<Timeline>();

/** Begins one, unless somebody has; one that went elsewhere has come to its end. */
export async function beginTimeline(timeline: string, location: string, now: Date): Promise<Timeline> {
  const made = { timeline, location, startedAt: now, sequence: 0, through: new Date(0) };
  await Shipping.replaceOne({ _id: ID, location: { $ne: location } }, made, { upsert: true }).catch(
    // There is one that goes there: the upsert meets it.
    (error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
    },
  );
  return (await timelineAt(location)) ?? beginTimeline(timeline, location, now);
}

/** @returns false when somebody else has moved it meanwhile: what was shipped with it is shipped again */
export async function moveTimeline(
  tx: ClientSession,
  { timeline, sequence }: Timeline,
  to: Partial<Timeline>,
): Promise<boolean> {
  const { matchedCount } = await Shipping.updateOne({ _id: ID, timeline, sequence }, { $set: to }, { session: tx });
  return matchedCount === 1;
}
