import type { Connection } from 'mongoose';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import { OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import { type RefusedWrite, type Rewriting, type Update, write } from './rewrite.ts';
import { besideOf, type EncryptedValue, encryptedCollections, walk } from './walk.ts';

/**
 * Encrypts with the writing key whatever another key of the ring encrypted. Each value is replaced only if it is still
 * the one that was read, so a change made meanwhile stands. Killed anywhere, every value is as it was or as it shall
 * be, and the next run finds what is left by itself: nothing is remembered outside of the values.
 */
export async function reencrypt(
  connection: Connection,
  keyring: Keyring,
  onDocuments: (count: number) => void,
): Promise<Rewriting> {
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
