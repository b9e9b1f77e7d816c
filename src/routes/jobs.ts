import type { Static } from 'typebox';
import { type JobRecord, listJobs } from '../models/job.ts';
import { ref, signedInProblems } from '../schemas/common.ts';
import { type Job, JobList } from '../schemas/job.ts';
import type { App } from '../types/fastify.ts';

const time = (at: Date | null | undefined): string | undefined => at?.toISOString();

function jobView({ _id, ...job }: JobRecord, now = Date.now()): Static<typeof Job> {
  // A pause after a failure holds the lease as well, but then the run has ended.
  const open = !job.finishedAt || (job.startedAt != null && job.startedAt > job.finishedAt);
  return {
    name: _id,
    schedule: job.schedule,
    running: open && job.leaseUntil != null && job.leaseUntil.getTime() > now,
    dueAt: job.dueAt.toISOString(),
    nextAt: job.nextAt.toISOString(),
    startedAt: time(job.startedAt),
    finishedAt: time(job.finishedAt),
    durationMs: job.durationMs ?? undefined,
    outcome: job.outcome ?? undefined,
    result: job.result ?? undefined,
    failure: job.failure ?? undefined,
    lastSuccessAt: time(job.lastSuccessAt),
  } as Static<typeof Job>;
}

/** What the service does by itself, for whoever operates it. */
export default async function jobs(app: App): Promise<void> {
  app.get(
    '/jobs',
    {
      schema: {
        operationId: 'listJobs',
        summary: 'List the scheduled jobs',
        description: 'Each with its schedule and how its last run went. The same stands in the metrics.',
        tags: ['Administration'],
        response: { 200: { ...ref(JobList), description: 'All jobs, by name.' }, ...signedInProblems('forbidden') },
      },
      config: { permission: 'operations:read' },
    },
    async () => ({ items: (await listJobs()).map((job) => jobView(job)) }),
  );
}
