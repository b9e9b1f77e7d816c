import type { ClientSession, Types } from 'mongoose';
import { AuditEvent } from './audit-event.ts';

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
      const ids = { $in: found.map(({ _id }) => _id) };
      erased += (await AuditEvent.collection.updateMany({ _id: ids }, { $unset: { personal: 1 } })).modifiedCount;
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
    const found = { [path]: id, personal: { $exists: true } };
    const { modifiedCount } = await AuditEvent.collection.updateMany(
      found,
      { $unset: { personal: 1 } },
      { session: tx, hint: { [path]: 1, _id: 1 } },
    );
    erased += modifiedCount;
  }
  return erased;
}
