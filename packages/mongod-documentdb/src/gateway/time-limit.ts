import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../errors.ts';
import type { PgConnection } from '../postgres/connection.ts';
import type { Request } from './command.ts';

/** setTimeout's limit; a longer maxTimeMS is no limit at all. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The time that a client gives a command by `maxTimeMS`, waiting and trying again included. */
export class TimeLimit {
  /** `performance.now()` at the end. */
  readonly #end: number;

  /** Throws BadValue for a negative time. */
  constructor({ name, doc }: Pick<Request, 'name' | 'doc'>) {
    const limit = Number(doc['maxTimeMS'] ?? 0);
    if (limit < 0) throw new CommandError(2, `BSON field 'maxTimeMS' value must be >= 0, actual value '${limit}'`);
    // In getMore it is how long to wait for documents yet to come.
    this.#end = limit > 0 && name !== 'getMore' ? performance.now() + limit : Number.POSITIVE_INFINITY;
  }

  get #left(): number {
    return Math.min(Math.max(this.#end - performance.now(), 0), MAX_TIMEOUT_MS);
  }

  /** Sleeps for `ms`. Throws MaxTimeMSExpired when the time is over. */
  async sleep(ms: number): Promise<void> {
    await sleep(Math.min(ms, this.#left));
    if (this.#left === 0) throw expired();
  }

  /** Waits for `ready`. Throws MaxTimeMSExpired when the time is over before. */
  async waitFor(ready: Promise<void>): Promise<void> {
    if (this.#end === Number.POSITIVE_INFINITY) return ready;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(expired()), this.#left);
    });
    try {
      await Promise.race([ready, over]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs `work` on `engine` and cancels it when the time is over. Returns when a cancel has been delivered. */
  async run<T>(engine: PgConnection, work: () => Promise<T>): Promise<T> {
    if (this.#end === Number.POSITIVE_INFINITY) return work();
    let cancelled: Promise<void> | undefined;
    const timer = setTimeout(() => {
      cancelled = engine.cancel();
    }, this.#left);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      await cancelled;
    }
  }
}

function expired(): CommandError {
  return new CommandError(50, 'operation exceeded time limit');
}
