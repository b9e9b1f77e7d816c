import type { Db, Document, UpdateFilter } from 'mongodb';

/** What became of what was under way at the moment that was restored, in documents. */
export interface Endings {
  readonly sessions: number;
  readonly tokens: number;
  readonly mails: number;
  readonly deliveries: number;
}

/** Shown where else an error's code would be. */
const RESTORED = 'restored';

/**
 * Ends what was under way: sessions and one-time tokens of before may be in anybody's hands by now, and what was to be
 * sent has been, or is no longer true.
 */
export async function endWhatWasUnderWay(db: Db): Promise<Endings> {
  const removed = async (name: string) => (await db.collection(name).deleteMany({})).deletedCount;
  const changed = async (name: string, update: UpdateFilter<Document>) =>
    (await db.collection(name).updateMany({ dueAt: { $exists: true } }, update)).modifiedCount;
  const now = new Date();
  await changed('webhook_events', { $unset: { dueAt: 1 } });
  return {
    sessions: await removed('sessions'),
    tokens: await removed('one_time_tokens'),
    mails: await changed('outbox', { $set: { failedAt: now, failure: RESTORED }, $unset: { dueAt: 1 } }),
    deliveries: await changed('webhook_deliveries', { $set: { outcome: 'failed' }, $unset: { dueAt: 1 } }),
  };
}
