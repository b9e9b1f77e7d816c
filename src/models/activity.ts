import { model, type mongo, Schema } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import type { UtcDay } from '../lib/utc-day.ts';

/** How long a day's numbers are kept, and the longest time that is answered at once. */
export const KEPT_MONTHS = 25;

/** What an account did, once for each time. */
export const COUNTED_MEASURES = ['signUps', 'signIns', 'deletions'] as const;
/** Different accounts that signed in or refreshed a session: on the day, and on the 7 and 30 days that end with it. */
const ACTIVE_MEASURES = ['activeDay', 'activeWeek', 'activeMonth'] as const;

const measures = Object.fromEntries(
  [...COUNTED_MEASURES, ...ACTIVE_MEASURES].map((name) => [name, { type: Number, required: true }]),
) as Record<Measure, { type: NumberConstructor; required: true }>;

type Measure = (typeof COUNTED_MEASURES)[number] | (typeof ACTIVE_MEASURES)[number];

/** One document a day, so that its measures are replaced together, and 25 months are 760 documents. */
const activitySchema = new Schema(
  {
    /** The day, in UTC: `2026-11-25`. */
    _id: { type: String, required: true, maxlength: 10 },
    ...measures,
    /** Whatever happened before this is in. The day is complete when this is its end. */
    countedUntil: { type: Date, required: true },
    /** A `DistinctCounter` of who was active, for as long as a later day's week or month needs it. */
    accounts: { type: Buffer },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'activity_daily', versionKey: false },
);

activitySchema.index({ expiresAt: 1 }, { name: 'idx_activity_daily_expires_at', expireAfterSeconds: 0 });

export const Activity = model('Activity', activitySchema);

export type ActivityRecord = Readonly<Record<Measure, number>> & {
  readonly _id: UtcDay;
  readonly countedUntil: Date;
  readonly accounts?: mongo.Binary;
  readonly expiresAt: Date;
};

export type NewActivity = Omit<ActivityRecord, 'accounts'> & { readonly accounts: Buffer };

/** The driver is asked itself, as it is two years of days. Their ids are no ObjectIds, which it does not know. */
const days = () => Activity.collection as unknown as mongo.Collection<ActivityRecord | NewActivity>;

/** The days from the one to the other, both included, as far as they were counted. */
export const listActivity = (from: UtcDay, to: UtcDay): Promise<ActivityRecord[]> =>
  find(from, to, { accounts: 0, expiresAt: 0 });

/** The same with their counters of accounts. */
export const readActivity = (from: UtcDay, to: UtcDay): Promise<ActivityRecord[]> => find(from, to);

const find = (from: UtcDay, to: UtcDay, projection = {}): Promise<ActivityRecord[]> =>
  days()
    .find({ _id: { $gte: from, $lte: to } }, { projection, sort: { _id: 1 }, hint: { _id: 1 }, batchSize: 1_000 })
    .toArray() as Promise<ActivityRecord[]>;

/**
 * Replaces a day, if it is still as it was read: of two at once, the second changes nothing.
 * @returns whether it was replaced
 */
export async function replaceActivity(before: ActivityRecord | undefined, after: NewActivity): Promise<boolean> {
  if (before) {
    const { countedUntil } = before;
    return (await days().replaceOne({ _id: after._id, countedUntil }, after)).matchedCount === 1;
  }
  try {
    await days().insertOne(after);
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/** Drops who was active on days before this one: numbers stay. */
export async function forgetAccounts(before: UtcDay): Promise<void> {
  await days().updateMany({ _id: { $lt: before }, accounts: { $exists: true } }, { $unset: { accounts: 1 } });
}
