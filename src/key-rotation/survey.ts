import type { Db, Document, WithId } from 'mongodb';
import { DecryptionError, type FieldContext, type Keyring } from '../lib/keyring.ts';
import { type EncryptedCollection, type EncryptedValue, encryptedCollections, valuesOf, walk } from './walk.ts';

/** Each one is told of; of a flood, as many as somebody reads. */
const MAX_LISTED = 50;

/** How many values of a field name a key. */
export interface KeyCount {
  readonly collection: string;
  readonly path: string;
  readonly keyId: string;
  readonly count: number;
}

/** A value that the keyring does not open. */
interface Unreadable {
  readonly place: FieldContext;
  /** Absent where the value is no ciphertext. */
  readonly keyId?: string;
  /** Never quotes the value. */
  readonly reason: string;
}

export interface Survey {
  /** By collection, field and key. */
  readonly counts: readonly KeyCount[];
  readonly unreadable: number;
  /** The first of them. */
  readonly listed: readonly Unreadable[];
}

/** Opens every encrypted value there is, and counts the keys that they name. Changes nothing. */
export async function survey(db: Db, keyring: Keyring, onDocuments: (count: number) => void): Promise<Survey> {
  const counts = new Map<string, KeyCount>();
  const listed: Unreadable[] = [];
  let unreadable = 0;
  for (const encrypted of encryptedCollections()) {
    for await (const values of walk(db, encrypted, onDocuments)) {
      for (const value of values) {
        const { keyId, reason } = examine(value, keyring);
        const { place, path } = value;
        if (keyId !== undefined) {
          const key = JSON.stringify([encrypted.name, path, keyId]);
          const count = (counts.get(key)?.count ?? 0) + 1;
          counts.set(key, { collection: encrypted.name, path, keyId, count });
        }
        if (reason === undefined) continue;
        unreadable += 1;
        if (listed.length < MAX_LISTED) listed.push({ place, reason, ...(keyId !== undefined && { keyId }) });
      }
    }
  }
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
  return { counts: sorted, unreadable, listed };
}

/** Why a document has a value that does not open; undefined where it has none. */
export const unreadableIn = (
  document: WithId<Document>,
  encrypted: EncryptedCollection,
  keyring: Keyring,
): string | undefined => valuesOf(document, encrypted).flatMap((value) => examine(value, keyring).reason ?? [])[0];

/** The key that a value names, and, where it does not open, why. */
function examine({ value, place }: EncryptedValue, keyring: Keyring): { keyId?: string; reason?: string } {
  let keyId: string | undefined;
  try {
    if (typeof value !== 'string') return { reason: 'The value is not a ciphertext' };
    keyId = keyring.keyIdOf(value);
    keyring.decrypt(value, place);
    return { keyId };
  } catch (error) {
    if (!(error instanceof DecryptionError)) throw error;
    return { ...(keyId !== undefined && { keyId }), reason: error.message };
  }
}
