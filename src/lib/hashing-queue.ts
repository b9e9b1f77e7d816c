/**
 * First come, first served, a few at a time, and a bounded number waiting.
 *
 * A password hash takes all of a core and megabytes of memory. More of them at once than there are cores only make
 * every one slower, and an unbounded line would make each sign-in wait for a flood that has long given up.
 */

/** The line is full. The caller should answer 503 with Retry-After. */
export class HashingOverloadError extends Error {
  override readonly name = 'HashingOverloadError';

  constructor() {
    super('Too many passwords are waiting to be hashed');
  }
}

export interface HashingStats {
  /** Tasks that run now. */
  readonly active: number;
  /** Tasks that wait. */
  readonly queued: number;
  /** Tasks refused since the start because the line was full. */
  readonly rejected: number;
}

export interface HashingQueue {
  /** Runs the task when its turn comes, with its result or error; rejects with HashingOverloadError when too many wait. */
  run<T>(task: () => Promise<T>): Promise<T>;
  stats(): HashingStats;
  /** Throws the HashingOverloadError that `run` would reject with, and counts it alike. */
  assertRoom(): void;
}

/** A queue that runs `concurrency` (at least 1) tasks at once and lets `maxQueue` (at least 0) more wait. */
export function createHashingQueue({ concurrency, maxQueue }: { concurrency: number; maxQueue: number }): HashingQueue {
  if (!Number.isInteger(concurrency) || concurrency < 1) throw new RangeError('concurrency must be at least 1');
  if (!Number.isInteger(maxQueue) || maxQueue < 0) throw new RangeError('maxQueue must be at least 0');
  const waiting: (() => void)[] = [];
  let active = 0;
  let rejected = 0;

  /** Resolves with a slot. A slot that becomes free is handed to the next in line, so that no newcomer overtakes. */
  async function acquire(): Promise<void> {
    if (active < concurrency) {
      active += 1;
      return;
    }
    if (waiting.length >= maxQueue) {
      rejected += 1;
      throw new HashingOverloadError();
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function release(): void {
    const next = waiting.shift();
    if (next === undefined) active -= 1;
    else next();
  }

  return {
    async run(task) {
      await acquire();
      try {
        return await task();
      } finally {
        release();
      }
    },
    stats: () => ({ active, queued: waiting.length, rejected }),
    assertRoom() {
      if (active < concurrency || waiting.length < maxQueue) return;
      rejected += 1;
      throw new HashingOverloadError();
    },
  };
}
