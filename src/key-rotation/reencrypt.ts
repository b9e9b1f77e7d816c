import { type Connection, mongo } from 'mongoose';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import { OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import { besideOf, type EncryptedValue, encryptedCollections, walk } from './walk.ts';

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
export async function reencrypt(
  connection: Connection,
  keyring: Keyring,
  onDocuments: (count: number) => void,
): Promise<Reencryption> {
  const db = connection.getClient().db(connection.name);
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
      // As the models have it: what is journaled leaves its images.
      const result = await write(connection.collection(encrypted.name), updates);
      rewritten += result.rewritten;
      refused.push(...result.refused);
    }
  }
  return { rewritten, refused };
}

interface Update {
  readonly place: EncryptedValue['place'];
  readonly operation: { readonly updateOne: { readonly filter: object; readonly update: object } };
}

/** None for what is up to date, and for what does not open: the survey tells of that. */
function updateOf(stored: EncryptedValue, keyring: Keyring): Update[] {
  const { id, path, value, place } = stored;
  try {
    if (typeof value !== 'string' || !keyring.needsRotation(value)) return [];
    const opened = keyring.decrypt(value, place);
    const $set = { [path]: keyring.encrypt(opened, place), ...besideOf(keyring, stored, opened.toString()) };
    return [{ place, operation: { updateOne: { filter: { _id: id, [path]: value }, update: { $set } } } }];
  } catch (error) {
    if (error instanceof DecryptionError) return [];
    throw error;
  }
}

type Writable = ReturnType<Connection['collection']>;

async function write(collection: Writable, updates: readonly Update[]): Promise<Reencryption> {
  try {
    const operations = updates.map(({ operation }) => operation);
    const { modifiedCount } = await collection.bulkWrite(operations, { ordered: false });
    return { rewritten: modifiedCount, refused: [] };
  } catch (error) {
    if (!(error instanceof mongo.MongoBulkWriteError) || [error.writeErrors].flat().length === 0) throw error;
    return writeSingly(collection, updates);
  }
}

/** A batch of what is journaled is one transaction: what is refused takes the others along. */
async function writeSingly(collection: Writable, updates: readonly Update[]): Promise<Reencryption> {
  const refused: RefusedWrite[] = [];
  let rewritten = 0;
  for (const { place, operation } of updates) {
    const { filter, update } = operation.updateOne;
    try {
      rewritten += (await collection.updateOne(filter, update)).modifiedCount;
    } catch (error) {
      if (!(error instanceof mongo.MongoServerError)) throw error;
      refused.push({ place, code: error.code });
    }
  }
  return { rewritten, refused };
}
