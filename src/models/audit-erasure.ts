import type { ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import { AuditEvent } from './audit-event.ts';
import { forgetInImages } from './journal.ts';

const PATHS = ['actor.id', 'target.id'] as const;

/** So many events of one person are changed in one command. */
const BATCH = 500;

/**
 * The same as `erasePersonalValues`, in batches of their own, for whoever has more events than go into a transaction.
 * What is written meanwhile is for the transaction that follows.
 */
export async function erasePersonalValuesInBatches(id: Types.ObjectId): Promise<number> {
  let erased = 0;
  for (const path of PATHS)
    for (;;) {
      const found = await AuditEvent.collection
        .find({ [path]: id, personal: { $exists: true } }, { projection: { _id: 1 }, limit: BATCH })
        .hint({ [path]: 1, _id: 1 })
        .toArray();
      if (found.length === 0) break;
      const ids = found.map(({ _id }) => _id);
      erased += await transaction((tx) => eraseOf(tx, ids));
    }
  return erased;
}

/**
 * Takes all that is personal out of the events that a person acted in or was the target of. The events stay, and so do
 * their seals: those cover a salted hash of what is gone, and the salt goes with it.
 * @returns how many events had any
 */
export async function erasePersonalValues(tx: ClientSession, id: Types.ObjectId): Promise<number> {
  let erased = 0;
  for (const path of PATHS) {
    const found = await AuditEvent.collection
      .find({ [path]: id, personal: { $exists: true } }, { projection: { _id: 1 }, session: tx })
      .hint({ [path]: 1, _id: 1 })
      .toArray();
    erased += await eraseOf(
      tx,
      found.map(({ _id }) => _id),
    );
  }
  return erased;
}

async function eraseOf(tx: ClientSession, ids: readonly Types.ObjectId[]): Promise<number> {
  if (ids.length === 0) return 0;
  // The journal has what they were like before.
  await forgetInImages(tx, AuditEvent.collection, ids, 'personal');
  const unset = { $unset: { personal: 1 as const } };
  return (await AuditEvent.collection.updateMany({ _id: { $in: [...ids] } }, unset, { session: tx })).modifiedCount;
}
