import { Cron } from 'croner';
import type { FastifyBaseLogger } from 'fastify';
import type { Metrics } from '../metrics.ts';

/**
 * Work on a schedule. Every instance of the service runs every job, so each must itself be safe when several run it at
 * once: by a unique index, an atomic claim, or by doing nothing the second time.
 */
export interface Job {
  readonly name: string;
  /** A cron expression, in UTC. */
  readonly schedule: string;
  run(): Promise<void>;
}

interface RunnerOptions {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'error'>;
  readonly metrics: Pick<Metrics, 'jobRuns' | 'jobDuration' | 'jobLastSuccess'>;
}

/** Runs jobs when they are due, one run of each at a time. */
export class JobRunner {
  readonly #options: RunnerOptions;
  readonly #crons: Cron[] = [];
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Schedules a job from now on. */
  register(job: Job): void {
    const due = () => this.run(job);
    // A timer that only waits for the next run does not keep a process alive that is otherwise done.
    this.#crons.push(new Cron(job.schedule, { name: job.name, timezone: 'UTC', unref: true }, due));
  }

  /** Runs a job now, unless it is running already: then it waits for that run. Failures are logged and counted. */
  run(job: Job): Promise<void> {
    const running = this.#running.get(job.name);
    if (running) return running;
    const run = this.#attempt(job).finally(() => this.#running.delete(job.name));
    this.#running.set(job.name, run);
    return run;
  }

  /** Starts no more runs and waits for those that are under way. */
  async stop(): Promise<void> {
    for (const cron of this.#crons.splice(0)) cron.stop();
    await Promise.all(this.#running.values());
  }

  async #attempt(job: Job): Promise<void> {
    const { log, metrics } = this.#options;
    const started = performance.now();
    let outcome = 'success';
    try {
      await job.run();
      metrics.jobLastSuccess.set({ job: job.name }, Date.now() / 1000);
    } catch (error) {
      outcome = 'failure';
      log.error({ job: job.name, err: error }, 'job failed');
    }
    const ms = performance.now() - started;
    metrics.jobRuns.inc({ job: job.name, outcome });
    metrics.jobDuration.set({ job: job.name }, ms / 1000);
    log.info({ job: job.name, status: outcome, ms: Math.round(ms) }, 'job done');
  }
}
