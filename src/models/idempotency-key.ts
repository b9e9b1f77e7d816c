import { type InferSchemaType, model, Schema } from 'mongoose';

/** The first response to a request that carried an `Idempotency-Key`, kept to be given again. */
const idempotencyKeySchema = new Schema(
  {
    /** MAC of actor, route and key: the unique index on `_id` lets one request through. */
    _id: { type: String, required: true, maxlength: 64 },
    /** MAC of the body, to tell a retry from another request under the same key. */
    fingerprint: { type: String, required: true, maxlength: 64 },
    /** While the first request runs, until its lease ends. */
    lockedUntil: { type: Date },
    statusCode: { type: Number },
    /** Location and ETag of the response. */
    headers: { type: Object },
    /** The body, encrypted: it may hold personal data. */
    body: { type: String },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'idempotency_keys', versionKey: false },
);

idempotencyKeySchema.index({ expiresAt: 1 }, { name: 'idx_idempotency_keys_expires_at', expireAfterSeconds: 0 });

export const IdempotencyKey = model('IdempotencyKey', idempotencyKeySchema);

export type IdempotencyRecord = InferSchemaType<typeof idempotencyKeySchema>;
