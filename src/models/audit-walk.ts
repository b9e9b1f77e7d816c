import { type AuditAction, AuditEvent, type AuditEventRecord } from './audit-event.ts';
import { type AuditFilter, listAuditEvents } from './audit-list.ts';
import { AuditSeal, type AuditSealRecord } from './audit-seal.ts';

/** Of the strays that somebody has planted, as many as are told of. */
const MAX_STRAYS = 100;

/** Documents that are read at a time. */
const PAGE = 500;

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

/** What somebody read of others, and what they were kept from. */
const ACCESSES = [
  'user.read',
  'users.listed',
  'users.exported',
  'sessions.listed',
  'audit.read',
  'audit.exported',
  'access.denied',
] as const satisfies AuditAction[];

/** The events of a period that tell who read what, one action after the other. */
export async function* accessEvents(from: Date, to: Date): AsyncGenerator<AuditEventRecord> {
  for (const action of ACCESSES) yield* eventsBetween({ action, from, to });
}

async function* eventsBetween(filter: AuditFilter): AsyncGenerator<AuditEventRecord> {
  let after: string | undefined;
  do {
    const page = await listAuditEvents(filter, PAGE, { after, order: 1 });
    yield* page.events;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

/**
 * Sealed events behind the seal of a number, seal by seal: an event that commits late is in a later seal, so that
 * nobody who goes on behind the last seal that they had misses any.
 */
export async function* sealedEvents(after: number, { from, to }: { from?: Date; to?: Date }) {
  for (let last = after; ; ) {
    const seals = await sealPeriods(last + 1);
    for (const { _id, firstAt, lastAt } of seals) {
      last = _id;
      const overlaps = (!from || lastAt >= from) && (!to || firstAt < to);
      const events = overlaps ? await eventsOfSeals(_id - 1, _id) : [];
      yield { seal: _id, events: events.filter(({ at }) => (!from || at >= from) && (!to || at < to)) };
    }
    if (seals.length < PAGE) return;
  }
}

const sealPeriods = (from: number): Promise<Pick<AuditSealRecord, '_id' | 'firstAt' | 'lastAt'>[]> =>
  AuditSeal.find({ _id: { $gte: from } }, { firstAt: 1, lastAt: 1 })
    .sort({ _id: 1 })
    .limit(PAGE)
    .hint({ _id: 1 })
    .lean()
    .exec();
