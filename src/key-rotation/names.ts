import { DecryptionError, placeOf } from '../lib/keyring.ts';
import { OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import { User, type UserRecord } from '../models/user.ts';
import { NAME_PATHS, NAMES, type NameKeeping, namesToKeep } from '../models/user-names.ts';
import { type RefusedWrite, type Rewriting, type Update, write } from './rewrite.ts';

const BATCH = 200;
const PROJECTION = Object.fromEntries(NAME_PATHS.map((path) => [path, 1]));

type Named = Pick<UserRecord, '_id' | (typeof NAME_PATHS)[number]>;

/** None for what is as it should be, and for what does not open: the survey of keys tells of that. */
function updateOf(keeping: NameKeeping, user: Named): Update[] {
  try {
    const change = namesToKeep(keeping, user);
    if (!change) return [];
    // Whoever changes a name meanwhile writes it as it should be.
    const asRead = Object.fromEntries(NAME_PATHS.map((path) => [path, user[path] ?? { $exists: false }]));
    const update = { $set: change.set, $unset: change.unset };
    const place = placeOf(User.collection.collectionName, user._id, NAMES.join(', '));
    return [{ place, operation: { updateOne: { filter: { _id: user._id, ...asRead }, update } } }];
  } catch (error) {
    if (error instanceof DecryptionError) return [];
    throw error;
  }
}

/** Batch by batch, what is to be changed of accounts whose names are not written as they would be today. */
async function* outdated(keeping: NameKeeping, onDocuments: (count: number) => void): AsyncGenerator<Update[]> {
  let last: Named['_id'] | undefined;
  do {
    const batch = await User.find(last ? { _id: { $gt: last } } : {}, PROJECTION)
      .sort({ _id: 1 })
      .limit(BATCH)
      .hint({ _id: 1 })
      .lean<Named[]>();
    yield batch.flatMap((user) => updateOf(keeping, user));
    onDocuments(batch.length);
    last = batch.length === BATCH ? batch.at(-1)?._id : undefined;
  } while (last);
}

/** How many accounts have names that are in clear where they are to be encrypted, or the other way round. */
export async function countOutdatedNames(keeping: NameKeeping, onDocuments: (count: number) => void): Promise<number> {
  let count = 0;
  for await (const updates of outdated(keeping, onDocuments)) count += updates.length;
  return count;
}

/**
 * Encrypts the names of all accounts, or opens them, as they are written today. No reader sees a change. Killed
 * anywhere, every name is kept in one way or the other, and the next run goes on.
 */
export async function settleNames(keeping: NameKeeping, onDocuments: (count: number) => void): Promise<Rewriting> {
  const refused: RefusedWrite[] = [];
  let [rewritten, told] = [0, false];
  for await (const updates of outdated(keeping, onDocuments)) {
    if (updates.length === 0) continue;
    // Before the first change, so that a run which is killed has left its trace.
    if (!told)
      await recordAuditEvent(undefined, OPERATOR, {
        action: 'keyring.rotated',
        target: { collection: User.collection.collectionName },
        changes: NAMES,
        reason: keeping.encrypted ? 'names encrypted' : 'names opened',
      });
    told = true;
    const result = await write(User.collection, updates);
    rewritten += result.rewritten;
    refused.push(...result.refused);
  }
  return { rewritten, refused };
}
