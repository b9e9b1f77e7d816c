import { type InferSchemaType, model, Schema } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';

const HASH_LENGTH = 43;
const CHAIN = 'SHA-256, as it is: it binds what it covers, and tells none of it.';
const hash = { type: String, required: true, maxlength: HASH_LENGTH, kept: CHAIN } as const;

/** A batch of audit events that nobody changes any more without it being found. */
const auditSealSchema = new Schema(
  {
    /** Its number, from 1 on: of several that seal at once, the index lets one through. */
    _id: { type: Number, required: true },
    /** The hash of the seal before. */
    previousHash: hash,
    /** The events, in the order of their ids, and their hashes. Both go with the events when the batch has expired. */
    eventIds: { type: [Schema.Types.ObjectId], default: undefined },
    eventHashes: { type: [{ type: String, maxlength: HASH_LENGTH }], default: undefined, kept: CHAIN },
    /** Hash over both. */
    root: hash,
    count: { type: Number, required: true },
    sealedAt: { type: Date, required: true },
    /** Of the earliest and of the latest event. */
    firstAt: { type: Date, required: true },
    lastAt: { type: Date, required: true },
    /** No event of it goes before, by the period that held when it was sealed. */
    keepUntil: { type: Date, required: true },
    /** Over all that stands above but the lists, and so over every seal before. */
    hash,
    /** The key of the keyring that `mac` was made under. */
    keyId: { type: String, required: true, maxlength: 32 },
    /** Of the hash: whoever has the database alone cannot compute the chain anew. */
    mac: { ...hash, kept: 'HMAC-SHA256 of `hash` by the keyring.' },
    expiredAt: { type: Date },
  },
  { collection: 'audit_seals', versionKey: false },
);

auditSealSchema.index(
  { keepUntil: 1 },
  { name: 'idx_audit_seals_keep_until', partialFilterExpression: { eventHashes: { $exists: true } } },
);

export const AuditSeal = model('AuditSeal', auditSealSchema);

export type AuditSealRecord = InferSchemaType<typeof auditSealSchema> & { _id: number };

const PURPOSE = 'audit-seal';

export const macOf = (keyring: Keyring, sealHash: string): string =>
  keyring.mac(PURPOSE, sealHash).toString('base64url');

/** Whether the MAC of a seal holds, or undefined when the keyring lacks its key. */
export function macHolds(keyring: Keyring, { hash: sealed, keyId, mac }: AuditSealRecord): boolean | undefined {
  const index = keyring.keyIds.indexOf(keyId);
  return index === -1 ? undefined : keyring.macs(PURPOSE, sealed)[index]?.toString('base64url') === mac;
}

/** The newest seal, if there is one. */
export const newestSeal = (): Promise<AuditSealRecord | null> =>
  AuditSeal.findOne().sort({ _id: -1 }).hint({ _id: 1 }).lean<AuditSealRecord>().exec();
