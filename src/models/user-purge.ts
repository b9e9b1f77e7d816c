import type { Types } from 'mongoose';
import { transaction } from '../database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { erasePersonalValues, erasePersonalValuesInBatches } from './audit-erasure.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { ledgerEntryOf, noteErasure } from './erasure.ts';
import type { AnyModel } from './relations.ts';
import { User } from './user.ts';
import { ownedModels, removeUser } from './user-removal.ts';

/** So many documents of one account go in one command. */
const BATCH = 500;

/** An account that can be restored no more and that nothing holds. */
const purgeable = (now: Date) => ({ status: 'deleted' as const, purgeAt: { $lte: now }, legalHold: { $ne: true } });

/** What was removed with an account, by collection. */
type Removed = Readonly<Record<string, number>>;

export interface Purged {
  /** As in the ledger of erasures. */
  readonly ledgerEntry: string;
  readonly purgedAt: Date;
  readonly removed: Removed;
  /** Events of the audit trail that hold nothing personal any more. */
  readonly auditEvents: number;
}

/**
 * Removes an account for good, with all that belongs to it: belongings first, in batches, the account last, together
 * with its entry in the ledger and the audit event. Nothing can be restored, and nobody signs in, from its first step
 * on; so whoever is killed midway leaves an account that is still to be purged, and the next run goes on with it.
 * @returns null when the account is not one to purge: gone, restored, or under legal hold
 */
export async function purgeUser(keyring: Keyring, origin: AuditOrigin, id: Types.ObjectId): Promise<Purged | null> {
  const now = new Date();
  if (!(await User.exists({ _id: id, ...purgeable(now) }))) return null;
  const ledgerEntry = await ledgerEntryOf(keyring, id);
  const removed: Record<string, number> = {};
  for (const model of ownedModels()) {
    const { collectionName } = model.collection;
    removed[collectionName] = await removeOwned(model.collection, id);
  }
  const auditEvents = await erasePersonalValuesInBatches(id);
  const gone = await transaction(async (tx) => {
    if (!(await removeUser(tx, id, purgeable(now)))) return false;
    await erasePersonalValues(tx, id);
    await noteErasure(tx, ledgerEntry);
    await recordAuditEvent(tx, origin, { action: 'user.purged', target: { collection: 'users', id } });
    return true;
  });
  return gone ? { ledgerEntry, purgedAt: now, removed, auditEvents } : null;
}

type OwnedCollection = AnyModel['collection'];

/** In batches, each a command of its own: an account may have more than fits into one transaction. */
async function removeOwned(collection: OwnedCollection, userId: Types.ObjectId): Promise<number> {
  let count = 0;
  for (;;) {
    const batch = await collection.find({ userId }, { projection: { _id: 1 }, limit: BATCH }).toArray();
    if (batch.length === 0) return count;
    const { deletedCount } = await collection.deleteMany({ _id: { $in: batch.map((each) => each._id) } });
    count += deletedCount;
  }
}

/** Ids of accounts that are to be purged, the longest overdue first. */
export async function listPurgeable(limit: number, now = new Date()): Promise<Types.ObjectId[]> {
  const due = await User.find(purgeable(now), { _id: 1 }).sort({ purgeAt: 1 }).limit(limit).lean();
  return due.map(({ _id }) => _id);
}

/** How many there are. */
export const countPurgeable = (now = new Date()): Promise<number> => User.countDocuments(purgeable(now));
