import { model, Schema } from 'mongoose';

/** Counters shared by all instances. The window is part of the key, so a count never needs to be reset. */
const rateLimitSchema = new Schema(
  {
    _id: { type: String, required: true, maxlength: 128 },
    count: { type: Number, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'rate_limits', versionKey: false },
);

rateLimitSchema.index({ expiresAt: 1 }, { name: 'idx_rate_limits_expires_at', expireAfterSeconds: 0 });

export const RateLimit = model('RateLimit', rateLimitSchema);

/** One limit: at most `max` in `windowMs`, counted under `name`. */
export interface Limit {
  readonly name: string;
  readonly max: number;
  readonly windowMs: number;
}

export interface Count {
  readonly count: number;
  /** Milliseconds until the window ends. */
  readonly resetMs: number;
}

function windowOf({ name, windowMs }: Limit, key: string, now = Date.now()): { _id: string; ends: number } {
  const window = Math.floor(now / windowMs);
  return { _id: `${name}:${window}:${key}`, ends: (window + 1) * windowMs };
}

/** Counts one more, atomically, and tells how many there are now. `key` must not be personal in clear: pass a MAC. */
export async function countUp(limit: Limit, key: string): Promise<Count> {
  const { _id, ends } = windowOf(limit, key);
  const stored = await RateLimit.collection.findOneAndUpdate(
    { _id: _id as never },
    { $inc: { count: 1 }, $setOnInsert: { expiresAt: new Date(ends) } },
    { upsert: true, returnDocument: 'after', projection: { count: 1 } },
  );
  if (!stored) throw new Error('the database acknowledged a count without telling it');
  return { count: Number(stored['count']), resetMs: ends - Date.now() };
}

/** How many were counted, without counting. */
export async function countNow(limit: Limit, key: string): Promise<Count> {
  const { _id, ends } = windowOf(limit, key);
  const stored = await RateLimit.collection.findOne({ _id: _id as never }, { projection: { count: 1 } });
  return { count: Number(stored?.['count'] ?? 0), resetMs: ends - Date.now() };
}
