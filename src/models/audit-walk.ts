import { AuditEvent, type AuditEventRecord } from './audit-event.ts';
import { AuditSeal, type AuditSealRecord } from './audit-seal.ts';

/** Of the strays that somebody has planted, as many as are told of. */
const MAX_STRAYS = 100;

const BY_SEAL = { sealId: 1, _id: 1 } as const;

/** Up to `limit` seals from a number on, in order, each with the lists of its events. */
export const sealsFrom = (from: number, limit: number): Promise<AuditSealRecord[]> =>
  AuditSeal.find({ _id: { $gte: from } })
    .sort({ _id: 1 })
    .limit(limit)
    .hint({ _id: 1 })
    .lean<AuditSealRecord[]>()
    .exec();

export const findSeal = (number: number): Promise<AuditSealRecord | null> =>
  AuditSeal.findById(number).lean<AuditSealRecord>().exec();

/**
 * Every event that names a seal behind one number and up to another, in the order of the numbers. The driver is asked
 * itself: an event is examined as it is stored, whatever is in it.
 */
export const eventsOfSeals = (after: number, upTo: number): Promise<AuditEventRecord[]> =>
  AuditEvent.collection
    .find<AuditEventRecord>({ sealId: { $gt: after, $lte: upTo } }, { hint: BY_SEAL })
    .sort(BY_SEAL)
    .toArray();

/** Events that name a seal of a number that no seal can have, or none has yet. */
export const strayEvents = (beyond: number): Promise<AuditEventRecord[]> =>
  AuditEvent.collection
    .find<AuditEventRecord>({ $or: [{ sealId: { $lte: 0 } }, { sealId: { $gt: beyond } }] })
    .limit(MAX_STRAYS)
    .toArray();

/** How many events wait for their seal. */
export const countUnsealed = (): Promise<number> =>
  AuditEvent.collection.countDocuments({ sealId: null }, { hint: BY_SEAL });
