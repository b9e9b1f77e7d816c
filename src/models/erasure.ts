import { createHmac, randomBytes } from 'node:crypto';
import { type ClientSession, model, Schema, type Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { openBytes, seal } from './sensitive.ts';

const KEY_BYTES = 32;

/** The one document that is no account: what the hashes of all others are made with. */
const KEY_ID = 'key';

/**
 * The ledger of accounts that are gone for good. A backup from before still holds them: whoever restores one finds them
 * here and removes them again. An id is kept as its hash under a key that only the keyring opens, so that the ledger
 * tells nobody whom it is about, and does tell of a given account whether it is in it.
 */
const erasureSchema = new Schema(
  {
    _id: { type: String, required: true, maxlength: 43, kept: 'HMAC-SHA256 of the account’s id, under `key`.' },
    erasedAt: { type: Date, required: true },
    /** Of the document `key`. The keyring rotates over it, and the hashes stay. */
    key: { type: String, maxlength: 256, sensitive: 'When an account is removed, or a backup restored.' },
  },
  { collection: 'erasures', versionKey: false },
);

export const Erasure = model('Erasure', erasureSchema);

/** Made once; of several at once, one makes it. */
async function ledgerKey(keyring: Keyring): Promise<Buffer> {
  const stored = await Erasure.findById(KEY_ID, { key: 1 }).lean();
  if (stored?.key) return openBytes(keyring, Erasure, stored, 'key');
  const sealed = seal(keyring, Erasure, KEY_ID, { key: randomBytes(KEY_BYTES) });
  await Erasure.create({ _id: KEY_ID, erasedAt: new Date(), ...sealed }).catch((error: unknown) => {
    if (!isDuplicateKey(error)) throw error;
  });
  return ledgerKey(keyring);
}

/** HMAC-SHA256 of an account's id under the ledger's own key, in base64url. */
export const ledgerEntryOf = async (keyring: Keyring, id: Types.ObjectId): Promise<string> =>
  (await ledgerEntries(keyring))(id);

/** The same for many. */
export async function ledgerEntries(keyring: Keyring): Promise<(id: Types.ObjectId) => string> {
  const key = await ledgerKey(keyring);
  return (id) => createHmac('sha256', key).update(id.toHexString()).digest('base64url');
}

/** Notes that an account is gone, in the transaction that removes it. */
export async function noteErasure(tx: ClientSession, entry: string): Promise<void> {
  await Erasure.updateOne({ _id: entry }, { $setOnInsert: { erasedAt: new Date() } }, { session: tx, upsert: true });
}
