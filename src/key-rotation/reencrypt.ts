import { type AnyBulkWriteOperation, type Collection, type Db, type Document, MongoBulkWriteError } from 'mongodb';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import { OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import { type EncryptedValue, encryptedCollections, walk } from './walk.ts';

/** A value that stays as it is because the database does not take another one in its document. */
interface RefusedWrite {
  readonly place: EncryptedValue['place'];
  readonly code: number | string | undefined;
}

export interface Reencryption {
  readonly rewritten: number;
  readonly refused: readonly RefusedWrite[];
}

/**
 * Encrypts with the writing key whatever another key of the ring encrypted. Each value is replaced only if it is still
 * the one that was read, so a change made meanwhile stands. Killed anywhere, every value is as it was or as it shall
 * be, and the next run finds what is left by itself: nothing is remembered outside of the values.
 */
export async function reencrypt(db: Db, keyring: Keyring, onDocuments: (count: number) => void): Promise<Reencryption> {
  const refused: RefusedWrite[] = [];
  let rewritten = 0;
  for (const encrypted of encryptedCollections()) {
    let told = false;
    for await (const values of walk(db, encrypted, onDocuments)) {
      const updates = values.flatMap((value) => updateOf(value, keyring));
      if (updates.length === 0) continue;
      // Before the first change, so that a run which is killed has left its trace.
      if (!told) {
        const target = { collection: encrypted.name };
        await recordAuditEvent(undefined, OPERATOR, { action: 'keyring.rotated', target, changes: encrypted.paths });
      }
      told = true;
      const result = await write(db.collection(encrypted.name), updates);
      rewritten += result.rewritten;
      refused.push(...result.refused);
    }
  }
  return { rewritten, refused };
}

interface Update {
  readonly place: EncryptedValue['place'];
  readonly operation: AnyBulkWriteOperation<Document>;
}

/** None for what is up to date, and for what does not open: the survey tells of that. */
function updateOf({ id, path, value, place }: EncryptedValue, keyring: Keyring): Update[] {
  try {
    if (typeof value !== 'string' || !keyring.needsRotation(value)) return [];
    const renewed = keyring.encrypt(keyring.decrypt(value, place), place);
    const operation = { updateOne: { filter: { _id: id, [path]: value }, update: { $set: { [path]: renewed } } } };
    return [{ place, operation }];
  } catch (error) {
    if (error instanceof DecryptionError) return [];
    throw error;
  }
}

async function write(collection: Collection, updates: readonly Update[]): Promise<Reencryption> {
  try {
    const operations = updates.map(({ operation }) => operation);
    const { modifiedCount } = await collection.bulkWrite(operations, { ordered: false });
    return { rewritten: modifiedCount, refused: [] };
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || [error.writeErrors].flat().length === 0) throw error;
    const refused = [error.writeErrors].flat().flatMap(({ index, code }) => {
      const { place } = updates[index] ?? {};
      return place ? [{ place, code }] : [];
    });
    return { rewritten: error.modifiedCount, refused };
  }
}
