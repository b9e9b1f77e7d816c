import { listJobs } from '../models/job.ts';
import { retentionRules } from '../retention/rules.ts';
import { countDue } from '../retention/run.ts';
import { ref, signedInProblems } from '../schemas/common.ts';
import { Retention } from '../schemas/retention.ts';
import type { App } from '../types/fastify.ts';

/** How long what is kept, for whoever has to say so. */
export default async function retention(app: App): Promise<void> {
  const rules = retentionRules(app.config, app.deps.keyring);

  app.get(
    '/retention',
    {
      schema: {
        operationId: 'getRetention',
        summary: 'Read the rules of retention',
        description: 'Each with its period, what it has to do now, and what the last run did.',
        tags: ['Administration'],
        response: { 200: { ...ref(Retention), description: 'All rules.' }, ...signedInProblems('forbidden') },
      },
      config: { permission: 'operations:read' },
    },
    async () => {
      const [due, jobs] = await Promise.all([countDue(rules), listJobs()]);
      const job = jobs.find(({ _id }) => _id === 'retention');
      const done = (job?.result ?? {}) as Readonly<Record<string, number>>;
      return {
        items: rules.map(({ name, collection, text, period, setting, by }) => ({
          name,
          collection,
          text,
          period,
          by,
          ...(setting !== undefined && { setting }),
          ...(by === 'job' && { due: due[name] ?? 0 }),
          ...(done[name] !== undefined && { done: done[name] }),
        })),
        ...(job?.finishedAt &&
          job.outcome && { lastRun: { finishedAt: job.finishedAt.toISOString(), outcome: job.outcome } }),
      };
    },
  );
}
