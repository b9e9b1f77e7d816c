import type { Types } from 'mongoose';
import { transaction } from '../database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { erasePersonalValues, erasePersonalValuesInBatches } from './audit-erasure.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { ledgerEntryOf, noteErasure } from './erasure.ts';
import { isStillReferenced, refuseWhereRestricted } from './parents.ts';
import { type Counts, Removal, removeReferences } from './references.ts';
import { User } from './user.ts';
import { removeAgain, removeUser } from './user-removal.ts';

/** An account that can be restored no more and that nothing holds. */
const purgeable = (now: Date) => ({ status: 'deleted' as const, purgeAt: { $lte: now }, legalHold: { $ne: true } });

export interface Purged {
  /** As in the ledger of erasures. */
  readonly ledgerEntry: string;
  readonly purgedAt: Date;
  /** What went with it. */
  readonly removed: Counts;
  /** What referred to it, and has lost that reference. */
  readonly detached: Counts;
  /** Events of the audit trail that hold nothing personal any more. */
  readonly auditEvents: number;
}

/**
 * Removes an account for good, with all that belongs to it: belongings first, in batches, the account last, together
 * with its entry in the ledger and the audit event. Nothing can be restored, and nobody signs in, from its first step
 * on; so whoever is killed midway leaves an account that is still to be purged, and the next run goes on with it.
 * @returns null when the account is not one to purge: gone, restored, under legal hold, or still referred to by what
 * restricts that
 */
export async function purgeUser(keyring: Keyring, origin: AuditOrigin, id: Types.ObjectId): Promise<Purged | null> {
  if (!(await User.exists({ _id: id, ...purgeable(new Date()) }))) return null;
  try {
    // Before anything is done: what cannot be purged as a whole stays as a whole.
    await refuseWhereRestricted(undefined, 'User', [id]);
    return await purge(keyring, origin, id);
  } catch (error) {
    if (isStillReferenced(error)) return null;
    throw error;
  }
}

async function purge(keyring: Keyring, origin: AuditOrigin, id: Types.ObjectId): Promise<Purged | null> {
  const now = new Date();
  const ledgerEntry = await ledgerEntryOf(keyring, id);
  const removal = new Removal(origin);
  await removeReferences(removal, 'User', [id]);
  const auditEvents = await erasePersonalValuesInBatches(id);
  const gone = await transaction(async (tx) => {
    if (!(await removeUser(tx, origin, id, purgeable(now)))) return false;
    await erasePersonalValues(tx, id);
    await noteErasure(tx, ledgerEntry);
    await recordAuditEvent(tx, origin, { action: 'user.purged', target: { collection: 'users', id } });
    return true;
  });
  const { removed, detached } = removal;
  return gone ? { ledgerEntry, purgedAt: now, removed, detached, auditEvents } : null;
}

/** The same for one that was purged before, and that a database of an earlier time brought back. */
export async function purgeAgain(origin: AuditOrigin, id: Types.ObjectId): Promise<void> {
  if (!(await removeAgain(origin, id))) return;
  await erasePersonalValuesInBatches(id);
  await transaction((tx) =>
    recordAuditEvent(tx, origin, { action: 'user.purged', target: { collection: 'users', id } }),
  );
}

/** Ids of accounts that are to be purged, the longest overdue first. */
export async function listPurgeable(limit: number, now = new Date()): Promise<Types.ObjectId[]> {
  const due = await User.find(purgeable(now), { _id: 1 }).sort({ purgeAt: 1 }).limit(limit).lean();
  return due.map(({ _id }) => _id);
}

/** How many there are. */
export const countPurgeable = (now = new Date()): Promise<number> => User.countDocuments(purgeable(now));
