import type { MongoClient } from 'mongodb';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { PoolWatch } from './pool-watch.ts';

/** The part of `Passwords` that is measured. */
interface HashingStats {
  stats(): { readonly active: number; readonly queued: number; readonly rejected: number };
}

export interface Metrics {
  readonly registry: Registry;
  readonly requestDuration: Histogram<'method' | 'route' | 'status'>;
  readonly jobRuns: Counter<'job' | 'outcome'>;
  readonly jobDuration: Gauge<'job'>;
  readonly jobLastSuccess: Gauge<'job'>;
  /** Documents that were removed or changed because their time was over. */
  readonly retained: Counter<'rule'>;
  /** Tries to deliver mail, by how they ended. */
  readonly mails: Counter<'template' | 'outcome'>;
  /** Tries to deliver webhooks, by how they ended. */
  readonly webhooks: Counter<'event' | 'outcome'>;
  /** Measures memory, garbage collection and the event loop of this process. */
  watchProcess(): void;
  /** Follows the connection pool of a client; returns how to stop. */
  watchPool(client: MongoClient): () => void;
  /** Shows how long something has been waiting or lies back, as `read` tells at each scrape, in milliseconds. */
  watchAge(what: keyof typeof AGES, read: () => Promise<number>): void;
}

/** What has an age: the name of its metric, and what that tells. */
const AGES = {
  mail: ['roster_mail_overdue_seconds', 'For how long the mail that has been due the longest has been due.'],
  webhooks: ['roster_webhook_overdue_seconds', 'For how long the webhook that has been due the longest has been due.'],
  backup: ['roster_backup_age_seconds', 'How old the last good backup is; +Inf where there is none.'],
  drill: [
    'roster_drill_age_seconds',
    'How long ago the newest backup was restored by a drill, and all of it was there; +Inf where it never was.',
  ],
  journal: [
    'roster_journal_age_seconds',
    'How long ago all that was acknowledged stood beside the backups; +Inf where it never did.',
  ],
} as const satisfies Record<string, readonly [string, string]>;

/** Sub-millisecond reads to a sign-in that waits in the hashing queue. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Metrics of one instance of the service, its hashing queue included. The registry is its own, so that two in one process do not mix. */
export function createMetrics({ passwords }: { readonly passwords: HashingStats }): Metrics {
  const registry = new Registry();
  watchHashing(registry, passwords);
  const registers = [registry];
  return {
    registry,
    requestDuration: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its response, by route template.',
      labelNames: ['method', 'route', 'status'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    ...jobMetrics(registers),
    mails: new Counter({
      name: 'roster_mails_total',
      help: 'Tries to deliver a mail: sent, retried later, or failed for good.',
      labelNames: ['template', 'outcome'],
      registers,
    }),
    webhooks: new Counter({
      name: 'roster_webhooks_total',
      help: 'Tries to deliver a webhook: delivered, retried later, or failed for good.',
      labelNames: ['event', 'outcome'],
      registers,
    }),
    watchProcess: () => collectDefaultMetrics({ register: registry }),
    watchPool: (client) => watchPool(registry, client),
    watchAge: (what, read) => watchAge(registry, AGES[what], read),
  };
}

/** What is done on a schedule. */
const jobMetrics = (registers: Registry[]) => ({
  jobRuns: new Counter({
    name: 'roster_job_runs_total',
    help: 'Runs of a scheduled job.',
    labelNames: ['job', 'outcome'],
    registers,
  }),
  jobDuration: new Gauge({
    name: 'roster_job_duration_seconds',
    help: 'How long the last run of a scheduled job took.',
    labelNames: ['job'],
    registers,
  }),
  jobLastSuccess: new Gauge({
    name: 'roster_job_last_success_timestamp_seconds',
    help: 'When a scheduled job last succeeded, in seconds since 1970.',
    labelNames: ['job'],
    registers,
  }),
  retained: new Counter({
    name: 'roster_retention_total',
    help: 'Documents that a rule of retention removed or changed; those that a TTL index removes are not counted.',
    labelNames: ['rule'],
    registers,
  }),
});

function watchHashing(registry: Registry, passwords: HashingStats): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('roster_hashing_active', 'Passwords being hashed or verified.', () => passwords.stats().active);
  gauge('roster_hashing_queued', 'Passwords that wait for their turn.', () => passwords.stats().queued);
  new Counter({
    name: 'roster_hashing_rejected_total',
    help: 'Passwords turned away because the queue was full.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(passwords.stats().rejected);
    },
  });
}

function watchPool(registry: Registry, client: MongoClient): () => void {
  const pool = new PoolWatch();
  new Gauge({
    name: 'roster_mongodb_pool_connections',
    help: 'Connections to the database: open ones, those in use, and operations that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'open' }, pool.open);
      this.set({ state: 'in_use' }, pool.inUse);
      this.set({ state: 'waiting' }, pool.waiting);
    },
  });
  new Counter({
    name: 'roster_mongodb_pool_exhausted_total',
    help: 'Operations that gave up waiting for a connection.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(pool.exhausted);
    },
  });
  return pool.follow(client);
}

function watchAge(registry: Registry, [name, help]: readonly [string, string], read: () => Promise<number>): void {
  new Gauge({
    name,
    help: `${help} NaN while the database does not tell.`,
    registers: [registry],
    async collect() {
      // One series that nobody can tell must not cost the scrape all others.
      this.set(
        await read().then(
          (ms) => ms / 1000,
          () => Number.NaN,
        ),
      );
    },
  });
}
