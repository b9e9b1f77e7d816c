import type { PgPool } from '../postgres/pool.ts';
import {
  type Attempt,
  attemptOf,
  type EngineCommand,
  type Isolation,
  LostRace,
  type Request,
  Unfinished,
} from './command.ts';
import { isCreationRace, isWriteConflict } from './conflicts.ts';
import type { Core } from './core.ts';
import { TimeLimit } from './time-limit.ts';
import { Turns } from './turns.ts';

/** Retries of what met the creation of its own collection: one does, unless the engine cannot create it at all. */
const MAX_CREATION_RETRIES = 8;
/** The pause before a retry doubles up to 2 ** this milliseconds. */
const LONGEST_PAUSE_EXPONENT = 6;

const NONE: Isolation = { snapshot: false };

interface Job {
  readonly command: EngineCommand;
  readonly pool: PgPool;
  readonly limit: TimeLimit;
}

/**
 * Commands outside transactions. A write conflict is not their clients' concern: mongod tries again by itself, until
 * the other transaction has ended, so do we. No engine connection is held meanwhile.
 */
export class Autocommit {
  readonly #core: Core;
  readonly #turns = new Turns();

  constructor(core: Core) {
    this.#core = core;
  }

  async run(command: EngineCommand, request: Request): Promise<Buffer> {
    const limit = new TimeLimit(request);
    const { snapshot, turn } = command.isolation?.(request) ?? NONE;
    const { requests, writes } = this.#core.engine;
    const job: Job = { command, limit, pool: snapshot ? writes : requests };
    if (turn === undefined) return this.#untilDone(job, request);
    const { ready, leave } = this.#turns.join(turn);
    try {
      if (ready !== undefined) await limit.waitFor(ready);
      return await this.#untilDone(job, request);
    } finally {
      leave();
    }
  }

  async #untilDone(job: Job, request: Request): Promise<Buffer> {
    for (let tried = 0; ; tried++) {
      let unfinished: Unfinished | undefined;
      try {
        return await this.#once(job, request);
      } catch (error) {
        if (error instanceof LostRace && tried >= error.retries) return error.giveUp();
        if (error instanceof Unfinished) unfinished = error;
        else if (!mayTryAgain(error, tried) || request.client.isClosed) throw error;
      }
      await job.limit.sleep(2 ** Math.min(tried, LONGEST_PAUSE_EXPONENT) + Math.random() * 5);
      if (unfinished !== undefined) return unfinished.join(await this.#untilDone(job, unfinished.rest));
    }
  }

  async #once({ command, pool, limit }: Job, request: Request): Promise<Buffer> {
    const attempt: Attempt = attemptOf(request, await pool.acquire());
    try {
      return await limit.run(attempt.engine, () => command.run(attempt, this.#core));
    } finally {
      if (!attempt.keepsEngine) pool.release(attempt.engine);
    }
  }
}

function mayTryAgain(error: unknown, tried: number): boolean {
  if (error instanceof LostRace || isWriteConflict(error)) return true;
  return tried < MAX_CREATION_RETRIES && isCreationRace(error);
}
