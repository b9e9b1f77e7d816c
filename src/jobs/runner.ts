import { Cron } from 'croner';
import type { FastifyBaseLogger } from 'fastify';
import type { Metrics } from '../metrics.ts';
import {
  announceJob,
  type ClaimedRun,
  claimRun,
  type EndedRun,
  finishRun,
  type JobResult,
  RENEW_MS,
  renewRun,
  type Times,
} from '../models/job.ts';

/**
 * Work on a schedule. Of all instances of the service, one makes each run; if it dies, another makes the run anew. So a
 * job goes in steps that may be repeated, and what it does in one step is one transaction or one atomic update.
 */
export interface Job {
  readonly name: string;
  /** A cron expression, in UTC. */
  readonly schedule: string;
  /**
   * Ends early when `signal` says that the run is no longer its own, or that the service stops.
   * @returns what was done, for the list of jobs
   */
  run(signal: AbortSignal): Promise<JobResult>;
}

interface RunnerOptions {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>;
  readonly metrics: Pick<Metrics, 'jobRuns' | 'jobDuration' | 'jobLastSuccess'>;
  readonly sweepMs?: number;
}

/** How often it is looked for runs that somebody began and did not finish, or that were due while nobody was there. */
const SWEEP_MS = 30_000;

/** Runs jobs when they are due, one run of each at a time. */
export class JobRunner {
  readonly #options: RunnerOptions;
  readonly #jobs = new Map<string, Scheduled>();
  readonly #stopping = new AbortController();
  #sweeps: NodeJS.Timeout | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** @throws when the schedule is none */
  register(job: Job): void {
    this.#jobs.set(job.name, new Scheduled(job, this.#options, this.#stopping.signal));
  }

  /** From now on jobs run when they are due. @returns when each has been looked at once; it never rejects */
  async start(): Promise<void> {
    const jobs = [...this.#jobs.values()];
    const sweep = () => jobs.map((job) => job.runIfDue());
    this.#sweeps = setInterval(sweep, this.#options.sweepMs ?? SWEEP_MS).unref();
    for (const job of jobs) job.start();
    await Promise.all(sweep());
  }

  /** Starts no more runs, asks those that are under way to end, and waits for them. */
  async stop(): Promise<void> {
    clearInterval(this.#sweeps);
    this.#stopping.abort();
    await Promise.all([...this.#jobs.values()].map((job) => job.stop()));
  }
}

/** One job on this instance. */
class Scheduled {
  readonly #job: Job;
  readonly #options: RunnerOptions;
  readonly #stopping: AbortSignal;
  readonly #cron: Cron;
  #running: Promise<void> | undefined;
  #announced = false;
  #unreachable = false;

  constructor(job: Job, options: RunnerOptions, stopping: AbortSignal) {
    this.#job = job;
    this.#options = options;
    this.#stopping = stopping;
    // A timer that only waits for the next run does not keep a process alive that is otherwise done.
    this.#cron = new Cron(job.schedule, { timezone: 'UTC', unref: true, paused: true });
  }

  start(): void {
    this.#cron.schedule(() => this.runIfDue());
    this.#cron.resume();
  }

  async stop(): Promise<void> {
    this.#cron.stop();
    await this.#running;
  }

  /** One at a time on this instance, too: whoever comes meanwhile waits for that run. */
  runIfDue(): Promise<void> {
    this.#running ??= this.#claimAndRun().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  #times(): Times {
    const now = new Date();
    const dueAt = this.#cron.previousRuns(1, now)[0] ?? new Date(0);
    return { dueAt, nextAt: this.#cron.nextRun(now) ?? now };
  }

  async #claimAndRun(): Promise<void> {
    if (this.#stopping.aborted) return;
    const { log } = this.#options;
    const { name } = this.#job;
    try {
      if (!this.#announced) await announceJob(name, this.#job.schedule, this.#times());
      this.#announced = true;
      const run = await claimRun(name, this.#times());
      this.#unreachable = false;
      if (run) await this.#run(run);
    } catch (error) {
      // One line for each outage of the database, not one for each time it is asked.
      if (!this.#unreachable) log.error({ job: name, err: error }, 'a job cannot be begun or ended');
      this.#unreachable = true;
    }
  }

  async #run(run: ClaimedRun): Promise<void> {
    const { log, metrics } = this.#options;
    const { name } = this.#job;
    const ended = await this.#attempt(run);
    const ms = Date.now() - run.startedAt.getTime();
    metrics.jobRuns.inc({ job: name, outcome: ended.outcome });
    metrics.jobDuration.set({ job: name }, ms / 1000);
    if (ended.outcome === 'success') metrics.jobLastSuccess.set({ job: name }, Date.now() / 1000);
    // What happens every few seconds and did nothing is no news.
    if (ended.result === undefined || Object.values(ended.result).some((count) => count > 0))
      log.info({ job: name, status: ended.outcome, ms, ...(ended.result && { result: ended.result }) }, 'job done');
    await finishRun(run, ended, this.#times().nextAt);
  }

  async #attempt(run: ClaimedRun): Promise<EndedRun> {
    const { name } = this.#job;
    const lost = new AbortController();
    const renewing = setInterval(() => void this.#renew(run, lost), RENEW_MS).unref();
    try {
      const result = await this.#job.run(AbortSignal.any([this.#stopping, lost.signal]));
      // A run that was asked to end has not done all that it was for.
      if (this.#stopping.aborted) return { outcome: 'failure', failure: 'The service stopped.', stopped: true };
      return { outcome: 'success', result };
    } catch (error) {
      this.#options.log.error({ job: name, err: error }, 'job failed');
      return { outcome: 'failure', failure: error instanceof Error ? error.message : String(error) };
    } finally {
      clearInterval(renewing);
    }
  }

  /** Where the database does not answer, the lease may still hold: its end is compared by whoever wants to claim. */
  async #renew(run: ClaimedRun, lost: AbortController): Promise<void> {
    const held = await renewRun(run).catch(() => true);
    if (!held) lost.abort();
  }
}
