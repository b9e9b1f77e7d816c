import { model, Schema } from 'mongoose';
import { RateLimiterMongo, RateLimiterRes } from 'rate-limiter-flexible';

/** Counters shared by all instances, in the shape of rate-limiter-flexible, whose `expire` is our `expiresAt`. */
const rateLimitSchema = new Schema(
  {
    /** Made by the database; text in counters that are older than the library. */
    _id: { type: Schema.Types.Mixed, required: true },
    key: {
      type: String,
      required: true,
      maxlength: 128,
      kept: 'MAC of who is counted (address, account, device, mailbox).',
    },
    points: { type: Number, required: true },
    expire: { type: Date, required: true },
  },
  { collection: 'rate_limits', versionKey: false },
);

rateLimitSchema.index({ key: 1 }, { name: 'idx_rate_limits_key', unique: true });
rateLimitSchema.index({ expire: 1 }, { name: 'idx_rate_limits_expire', expireAfterSeconds: 0 });

export const RateLimit = model('RateLimit', rateLimitSchema);

/** One limit: at most `max` in `windowMs`, which begins with the first, counted under `name`. */
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

/** What counts in the database, and remembers in this process which keys have gone too far. */
export interface Counter {
  readonly limit: Limit;
  /** Counts one more, atomically, and tells how many there are now. `key` must not be personal in clear: pass a MAC. */
  countUp(key: string): Promise<Count>;
}

/** What the library takes for a database: it asks for a collection by name, and there is only this one. */
const store = { collection: () => RateLimit.collection };

/** A key over its limit is refused without asking the database until its window ends: a flood costs it nothing. */
export function openCounter(limit: Limit): Counter {
  const limiter = new RateLimiterMongo({
    storeClient: store,
    keyPrefix: limit.name,
    points: limit.max,
    duration: limit.windowMs / 1000,
    inMemoryBlockOnConsumed: limit.max + 1,
    disableIndexesCreation: true,
  });
  return {
    limit,
    async countUp(key) {
      const result = await limiter.consume(key).catch((error: unknown) => {
        // It rejects with a result when the limit is exceeded, and with an error when the database does not answer.
        if (error instanceof RateLimiterRes) return error;
        throw error;
      });
      const { consumedPoints, msBeforeNext } = result;
      // From memory it tells no number: only that the limit was exceeded.
      return { count: consumedPoints === 0 ? limit.max + 1 : consumedPoints, resetMs: msBeforeNext };
    },
  };
}

/** A count of one counter, named by its key. */
export interface Counted {
  readonly counter: Counter;
  readonly key: string;
}

/** How many were counted of each, without counting, in one read. */
export async function countsNow(asked: readonly Counted[]): Promise<Count[]> {
  const keys = asked.map(({ counter, key }) => `${counter.limit.name}:${key}`);
  const now = Date.now();
  const found = await RateLimit.collection
    .find({ key: { $in: keys } }, { projection: { _id: 0, key: 1, points: 1, expire: 1 } })
    .toArray();
  const counts = new Map(found.map(({ key, points, expire }) => [String(key), { points, expire } as Stored]));
  return keys.map((key) => {
    const { points = 0, expire } = counts.get(key) ?? {};
    // Compared here: a TTL index removes late.
    const resetMs = expire === undefined ? 0 : expire.getTime() - now;
    return resetMs > 0 ? { count: Number(points), resetMs } : { count: 0, resetMs: 0 };
  });
}

interface Stored {
  readonly points?: number;
  readonly expire?: Date;
}
