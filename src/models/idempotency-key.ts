import { type InferSchemaType, model, mongo, Schema } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { openText, seal } from './sensitive.ts';

const DUPLICATE_KEY = 11_000;

/** The first response to a request that carried an `Idempotency-Key`, kept to be given again. */
const idempotencyKeySchema = new Schema(
  {
    /** The unique index on `_id` lets one request through. */
    _id: { type: String, required: true, maxlength: 64, kept: 'MAC of actor, route and key.' },
    /** To tell a retry from another request under the same key. */
    fingerprint: { type: String, required: true, maxlength: 64, kept: 'MAC of the body.' },
    /** While the first request runs, until its lease ends. */
    lockedUntil: { type: Date },
    statusCode: { type: Number },
    /** Location and ETag of the response. */
    headers: { type: Object },
    /** It may hold personal data. */
    body: { type: String, sensitive: 'When the request is made again.' },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'idempotency_keys', versionKey: false },
);

idempotencyKeySchema.index({ expiresAt: 1 }, { name: 'idx_idempotency_keys_expires_at', expireAfterSeconds: 0 });

export const IdempotencyKey = model('IdempotencyKey', idempotencyKeySchema);

type IdempotencyRecord = InferSchemaType<typeof idempotencyKeySchema>;

/** How long the first response is kept. */
const KEPT_MS = 24 * 3_600_000;

/** A request that has not answered by then is taken for dead: longer than any waits for the database (30 s). */
const LEASE_MS = 60_000;

/** A response that is kept. */
export interface KeptResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Claim =
  /** This request is the first: it runs, then keeps its response or releases the key. */
  | { readonly state: 'claimed'; readonly lease: Date }
  | { readonly state: 'running'; readonly retryAfterMs: number }
  /** The key was used for another request. */
  | { readonly state: 'reused' }
  | { readonly state: 'answered'; readonly response: KeptResponse };

type Stored = Pick<IdempotencyRecord, 'fingerprint' | 'lockedUntil' | 'statusCode' | 'headers' | 'body' | 'expiresAt'>;

/**
 * Claims a key for a request, or tells what became of the first one. The unique index on `_id` lets one of several
 * at once through; a claim whose owner died is taken over by one atomic update.
 * @throws DecryptionError when the keyring cannot open the response
 */
export async function claimKey(keyring: Keyring, id: string, fingerprint: string, now = new Date()): Promise<Claim> {
  const lease = new Date(now.getTime() + LEASE_MS);
  const claim = { fingerprint, lockedUntil: lease, expiresAt: new Date(now.getTime() + KEPT_MS) };
  const known = await insertOrFind(id, claim);
  if (!known) return { state: 'claimed', lease };

  const answered = known.statusCode != null;
  const overdue = known.expiresAt <= now || (!answered && (known.lockedUntil ?? now) <= now);
  if (overdue) return takeOver(id, known, claim);
  if (known.fingerprint !== fingerprint) return { state: 'reused' };
  if (!answered) return { state: 'running', retryAfterMs: (known.lockedUntil?.getTime() ?? 0) - now.getTime() };
  return { state: 'answered', response: responseOf(keyring, id, known) };
}

/** The document that was there already, or null if this call put its own there: one command, whoever comes first. */
async function insertOrFind(id: string, claim: object): Promise<Stored | null> {
  const upsert = () =>
    IdempotencyKey.findOneAndUpdate(
      { _id: id },
      { $setOnInsert: claim },
      { upsert: true, returnDocument: 'before', timestamps: false },
    ).lean<Stored>();
  try {
    return await upsert();
  } catch (error) {
    // Two upserts at once: the one that lost finds the other's document the second time.
    if (!(error instanceof mongo.MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    return upsert();
  }
}

async function takeOver(id: string, known: Stored, claim: Stored & { lockedUntil: Date }): Promise<Claim> {
  const { matchedCount } = await IdempotencyKey.replaceOne(
    { _id: id, expiresAt: known.expiresAt, lockedUntil: known.lockedUntil ?? null },
    claim,
  );
  return matchedCount === 1
    ? { state: 'claimed', lease: claim.lockedUntil }
    : { state: 'running', retryAfterMs: LEASE_MS };
}

const responseOf = (keyring: Keyring, _id: string, { statusCode, headers, body }: Stored): KeptResponse => ({
  statusCode: statusCode ?? 0,
  headers: (headers ?? {}) as Record<string, string>,
  ...(body != null && { body: openText(keyring, IdempotencyKey, { _id, body }, 'body') }),
});

/** Keeps the response of the request that holds the lease. */
export async function keepResponse(
  keyring: Keyring,
  { id, lease }: { readonly id: string; readonly lease: Date },
  { body, ...response }: KeptResponse,
): Promise<void> {
  const sealed = body !== undefined && seal(keyring, IdempotencyKey, id, { body });
  await IdempotencyKey.updateOne(
    { _id: id, lockedUntil: lease },
    { $set: { ...response, ...sealed }, $unset: { lockedUntil: 1 } },
  );
}

/** Frees the key: the request failed in a way that a retry may mend. */
export async function releaseKey(id: string, lease: Date): Promise<void> {
  await IdempotencyKey.deleteOne({ _id: id, lockedUntil: lease });
}
