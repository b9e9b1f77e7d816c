import { transaction } from '../database.ts';
import { AuditEvent } from './audit-event.ts';
import { AuditSeal } from './audit-seal.ts';

export interface ExpiredBatches {
  readonly batches: number;
  readonly events: number;
}

const over = (now: Date) => ({ keepUntil: { $lte: now }, eventHashes: { $exists: true } });

/** How many events there are in batches whose time is over. */
export async function countExpired(now = new Date()): Promise<number> {
  const [sum] = await AuditSeal.aggregate<{ events: number }>([
    { $match: over(now) },
    { $group: { _id: null, events: { $sum: '$count' } } },
  ]);
  return sum?.events ?? 0;
}

/**
 * Removes the events of every batch whose time is over, each in one transaction. What they were hashed to stays in
 * the seal, so that the chain is whole; so does when it was.
 * @param signal ends it early, between two batches
 */
export async function expireAuditBatches(now: Date, signal?: AbortSignal): Promise<ExpiredBatches> {
  let [batches, events] = [0, 0];
  while (!signal?.aborted) {
    const batch = await AuditSeal.findOne(over(now), { _id: 1 }).sort({ keepUntil: 1 }).lean();
    if (!batch) break;
    const removed = await transaction(async (tx) => {
      const { modifiedCount } = await AuditSeal.updateOne(
        { _id: batch._id, eventHashes: { $exists: true } },
        { $unset: { eventIds: 1, eventHashes: 1 }, $set: { expiredAt: now } },
        { session: tx },
      );
      // Another instance was first.
      if (modifiedCount === 0) return undefined;
      return (await AuditEvent.deleteMany({ sealId: batch._id }, { session: tx })).deletedCount;
    });
    if (removed === undefined) continue;
    batches += 1;
    events += removed;
  }
  return { batches, events };
}
