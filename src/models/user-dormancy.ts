import type { ClientSession, QueryFilter } from 'mongoose';
import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { recordAuditEvent, SYSTEM } from './audit-event.ts';
import { enqueueMail } from './outbox.ts';
import { isStillReferenced } from './parents.ts';
import { User, type UserRecord } from './user.ts';
import { deactivateUser, eraseUser } from './user-lifecycle.ts';

const DAY_MS = 86_400_000;

/** From the warning to the end. */
export const WARNING_DAYS = 30;

/** So many are read at a time. */
const BATCH = 100;

interface DormancyOptions {
  readonly keyring: Keyring;
  /** 0: no account is dormant. */
  readonly months: number;
  readonly signal?: AbortSignal;
}

/** The same day and time so many months before. */
function monthsBefore(now: Date, months: number): Date {
  const then = new Date(now);
  then.setUTCMonth(then.getUTCMonth() - months);
  return then;
}

type Filter = QueryFilter<UserRecord>;

/** Each is one range of this index. */
const INDEX = { status: 1, lastSignInAt: 1, createdAt: 1 } as const;

/** Active, and nobody has signed in since then; or ever, and it is as old as that. */
const unusedSince = (then: Date): readonly Filter[] => [
  { status: 'active', lastSignInAt: { $lte: then } },
  { status: 'active', lastSignInAt: { $exists: false }, createdAt: { $lte: then } },
];

/** To be warned: within WARNING_DAYS they will have been unused for so many months. */
const toWarn = (months: number, now: Date): readonly Filter[] =>
  unusedSince(new Date(monthsBefore(now, months).getTime() + WARNING_DAYS * DAY_MS)).map((unused) => ({
    ...unused,
    dormancyWarnedAt: { $exists: false },
  }));

/** To be ended: their owners were warned long enough ago. */
const toEnd = (months: number, now: Date): readonly Filter[] =>
  unusedSince(monthsBefore(now, months)).map((unused) => ({
    ...unused,
    dormancyWarnedAt: { $lte: new Date(now.getTime() - WARNING_DAYS * DAY_MS) },
  }));

/** Never proven and never used, for so many days. */
const unverifiedSince = (days: number, now: Date): readonly Filter[] => [
  {
    status: 'active',
    lastSignInAt: { $exists: false },
    createdAt: { $lte: new Date(now.getTime() - days * DAY_MS) },
    emailVerified: false,
    legalHold: { $ne: true },
  },
];

/**
 * Does `act` in a transaction for each account that one of the filters finds and still finds then; whoever was quicker
 * keeps what they did. The last admin is left alone, and so is an account that something refers to which restricts that.
 * @returns for how many
 */
async function forEach(
  filters: readonly Filter[],
  act: (tx: ClientSession, user: UserRecord) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const filter of filters)
    for await (const { _id } of User.find(filter, { _id: 1 }).hint(INDEX).lean().cursor({ batchSize: BATCH })) {
      if (signal?.aborted) return count;
      const done = await transaction(async (tx) => {
        const user = await User.findOne({ ...filter, _id }, undefined, { session: tx }).lean<UserRecord>();
        if (user) await act(tx, user);
        return user !== null;
      }).catch(leftAlone);
      if (done) count += 1;
    }
  return count;
}

function leftAlone(error: unknown): false {
  if (isStillReferenced(error) || (error instanceof AppError && error.code === 'last-admin')) return false;
  throw error;
}

const howMany = async (filters: readonly Filter[]): Promise<number> => {
  const counts = await Promise.all(filters.map((filter) => User.countDocuments(filter).hint(INDEX)));
  return counts.reduce((sum, count) => sum + count, 0);
};

/** Warns the owners of accounts that will be dormant within WARNING_DAYS. @returns how many */
export async function warnDormant({ keyring, months, signal }: DormancyOptions, now = new Date()): Promise<number> {
  if (months === 0) return 0;
  const data = { at: now.toISOString(), months, days: WARNING_DAYS };
  const warn = async (tx: ClientSession, { _id: id, email }: UserRecord) => {
    await User.updateOne({ _id: id }, { $set: { dormancyWarnedAt: now } }, { session: tx, timestamps: false });
    await enqueueMail(tx, keyring, { template: 'account-dormant-soon', to: email, data }, id);
    await recordAuditEvent(tx, SYSTEM, { action: 'user.dormancy-warned', target: { collection: 'users', id } });
  };
  return forEach(toWarn(months, now), warn, signal);
}

/** Makes accounts inactive whose owners were warned and did not come. @returns how many */
export async function endDormant({ keyring, months, signal }: DormancyOptions, now = new Date()): Promise<number> {
  if (months === 0) return 0;
  const data = { at: now.toISOString(), months };
  const end = async (tx: ClientSession, { _id: id, email }: UserRecord) => {
    await deactivateUser(tx, SYSTEM, { id, rule: 'dormant' });
    await enqueueMail(tx, keyring, { template: 'account-dormant', to: email, data }, id);
  };
  return forEach(toEnd(months, now), end, signal);
}

/** Ends accounts that nobody ever proved or used, so that they are purged. @returns how many */
export async function endUnverified(days: number, signal?: AbortSignal, now = new Date()): Promise<number> {
  if (days === 0) return 0;
  const end = (tx: ClientSession, { _id: id }: UserRecord) => eraseUser(tx, SYSTEM, { id, rule: 'unverified' });
  return forEach(unverifiedSince(days, now), end, signal);
}

const NONE = Promise.resolve(0);

/** How many each of these would find. */
export const countToWarn = (months: number, now = new Date()) => (months === 0 ? NONE : howMany(toWarn(months, now)));
export const countToEnd = (months: number, now = new Date()) => (months === 0 ? NONE : howMany(toEnd(months, now)));
export const countUnverified = (days: number, now = new Date()) =>
  days === 0 ? NONE : howMany(unverifiedSince(days, now));
