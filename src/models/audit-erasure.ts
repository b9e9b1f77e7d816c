import type { ClientSession, Types } from 'mongoose';
import { AuditEvent } from './audit-event.ts';

/**
 * Takes all that is personal out of the events that a person acted in or was the target of. The events stay, and so do
 * their seals: those cover a salted hash of what is gone, and the salt goes with it.
 * @returns how many events had any
 */
export async function erasePersonalValues(tx: ClientSession, id: Types.ObjectId): Promise<number> {
  let erased = 0;
  for (const path of ['actor.id', 'target.id']) {
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
