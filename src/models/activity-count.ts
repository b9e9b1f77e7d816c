import { Types } from 'mongoose';
import { DistinctCounter } from '../lib/distinct-counter.ts';
import { addDays, addMonths, dayOf, endOf, startOf, type UtcDay } from '../lib/utc-day.ts';
import {
  type ActivityRecord,
  type COUNTED_MEASURES,
  forgetAccounts,
  KEPT_MONTHS,
  readActivity,
  replaceActivity,
} from './activity.ts';
import { type AuditAction, AuditEvent } from './audit-event.ts';
import type { JobResult } from './job.ts';

const WEEK = 7;
const MONTH = 30;

/** Days before today that are made up for when nobody counted them. */
const MADE_UP_DAYS = 31;

/**
 * What happened so recently is left for the next time: its transaction may be under way (they live a minute at the
 * most), and clocks of instances differ. So every event is counted once, and none comes in behind the count.
 */
const SETTLED_MS = 5 * 60_000;

/** The audit trail tells of all of it. */
const ACTIONS = {
  signUps: 'user.created',
  signIns: 'session.created',
  deletions: 'user.deleted',
} as const satisfies Record<(typeof COUNTED_MEASURES)[number], AuditAction>;

/** A time between two others: from the one, up to and without the other. */
interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** Events of one kind that succeeded. Their ids begin with their time, to the second. */
const eventsIn = (action: AuditAction, { from, to }: Span) => ({
  action,
  _id: { $gte: idAt(from), $lt: idAt(to) },
  outcome: 'success',
});

const idAt = (time: Date): Types.ObjectId => Types.ObjectId.createFromTime(time.getTime() / 1000);

const BY_ACTION = { hint: { action: 1, _id: 1 } } as const;

const countEvents = (action: AuditAction, span: Span): Promise<number> =>
  AuditEvent.collection.countDocuments(eventsIn(action, span), BY_ACTION);

interface SessionEvent {
  readonly actor: { readonly id?: Types.ObjectId };
  readonly target: { readonly collection: string; readonly id?: Types.ObjectId };
}

/** Puts the accounts of all events of that kind into the counter. @returns how many events there were */
async function addAccounts(
  accounts: DistinctCounter,
  action: 'session.created' | 'session.refreshed',
  span: Span,
  signal: AbortSignal,
): Promise<number> {
  const projection = { _id: 0, 'actor.id': 1, target: 1 };
  const options = { ...BY_ACTION, projection, batchSize: 1_000 };
  let events = 0;
  for await (const { actor, target } of AuditEvent.collection.find<SessionEvent>(eventsIn(action, span), options)) {
    if (signal.aborted) break;
    // Whoever signs in was nobody before: it is the account that the event is about.
    const account = target.collection === 'users' ? target.id : actor.id;
    if (account) accounts.add(account.toHexString());
    events += 1;
  }
  return events;
}

/** The union of the counters of so many days that end with `day`, as far as they are known. */
function activeIn(known: ReadonlyMap<UtcDay, DistinctCounter>, day: UtcDay, length: number): number {
  const union = new DistinctCounter();
  for (let back = 0; back < length; back += 1) {
    const accounts = known.get(addDays(day, -back));
    if (accounts) union.merge(accounts);
  }
  return union.count;
}

/** What is known of the days around those that are counted. */
class Days {
  readonly #records: Map<UtcDay, ActivityRecord>;
  readonly #accounts: Map<UtcDay, DistinctCounter>;

  constructor(records: readonly ActivityRecord[]) {
    this.#records = new Map(records.map((record) => [record._id, record]));
    this.#accounts = new Map(
      records.flatMap(({ _id, accounts }) =>
        accounts ? [[_id, DistinctCounter.fromBytes(accounts.buffer)] as const] : [],
      ),
    );
  }

  /** How far a day was counted; at its beginning if nobody did. */
  countedUntil(day: UtcDay): Date {
    return this.#records.get(day)?.countedUntil ?? startOf(day);
  }

  /**
   * Counts a day on to `to`, and replaces it.
   * @returns the events that were new; `undefined` when it was asked to end, or somebody else was quicker
   */
  async count(day: UtcDay, to: Date, signal: AbortSignal): Promise<number | undefined> {
    const before = this.#records.get(day);
    const span = { from: this.countedUntil(day), to };
    const accounts = this.#accounts.get(day) ?? new DistinctCounter();
    const [signUps, deletions] = [await countEvents(ACTIONS.signUps, span), await countEvents(ACTIONS.deletions, span)];
    const signIns = await addAccounts(accounts, ACTIONS.signIns, span, signal);
    const refreshes = await addAccounts(accounts, 'session.refreshed', span, signal);
    if (signal.aborted) return undefined;
    this.#accounts.set(day, accounts);
    const replaced = await replaceActivity(before, {
      _id: day,
      signUps: (before?.signUps ?? 0) + signUps,
      signIns: (before?.signIns ?? 0) + signIns,
      deletions: (before?.deletions ?? 0) + deletions,
      activeDay: accounts.count,
      activeWeek: activeIn(this.#accounts, day, WEEK),
      activeMonth: activeIn(this.#accounts, day, MONTH),
      countedUntil: to,
      accounts: accounts.toBytes(),
      expiresAt: endOf(addMonths(day, KEPT_MONTHS)),
    });
    return replaced ? signUps + deletions + signIns + refreshes : undefined;
  }
}

/**
 * Counts what has happened since the last time into its day: the running one, and those before that nobody completed.
 * Each event is read once, by its kind and time. Safe to repeat, and to end at any moment: a day is replaced as a
 * whole, or not at all.
 */
export async function countActivity(signal: AbortSignal, now = new Date()): Promise<JobResult> {
  // Ids tell time to the second.
  const until = new Date(Math.floor((now.getTime() - SETTLED_MS) / 1000) * 1000);
  const today = dayOf(until);
  const first = addDays(today, -MADE_UP_DAYS);
  const oldest = addDays(first, -(MONTH - 1));
  const days = new Days(await readActivity(oldest, today));
  const result = { days: 0, events: 0 };
  for (let day = first; day <= today && !signal.aborted; day = addDays(day, 1)) {
    const to = endOf(day) < until ? endOf(day) : until;
    if (days.countedUntil(day) >= to) continue;
    const events = await days.count(day, to, signal);
    if (events === undefined) break;
    result.days += 1;
    result.events += events;
  }
  if (!signal.aborted) await forgetAccounts(oldest);
  return result;
}
