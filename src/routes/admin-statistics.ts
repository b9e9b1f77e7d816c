import { AppError } from '../errors.ts';
import { addDays, addMonths, dayOf, endOf, type UtcDay } from '../lib/utc-day.ts';
import { type ActivityRecord, KEPT_MONTHS, listActivity } from '../models/activity.ts';
import { Statistics, StatisticsQuery } from '../schemas/activity.ts';
import { ref, signedInProblems } from '../schemas/common.ts';
import type { App } from '../types/fastify.ts';

const dayView = ({ _id, countedUntil, ...measures }: ActivityRecord) => ({
  day: _id,
  ...measures,
  complete: countedUntil >= endOf(_id),
});

/** What accounts did, by day. */
export default async function adminStatistics(app: App): Promise<void> {
  app.get(
    '/statistics',
    {
      schema: {
        operationId: 'getStatistics',
        summary: 'Read how many accounts did what',
        description: `By day in UTC, at most ${KEPT_MONTHS} months at once. Counted every hour, the running day too, without what happened in the last few minutes.`,
        tags: ['Administration'],
        querystring: StatisticsQuery,
        response: {
          200: { ...ref(Statistics), description: 'The days that were asked for.' },
          ...signedInProblems('forbidden'),
        },
      },
      config: { permission: 'statistics:read' },
    },
    async (request) => {
      const { to = dayOf(new Date()), from = addDays(to, -29) } = request.query;
      refuseUnlessSpan(from, to);
      return { from, to, items: (await listActivity(from, to)).map(dayView) };
    },
  );
}

/** @throws {AppError} `validation-failed` */
function refuseUnlessSpan(from: UtcDay, to: UtcDay): void {
  const detail =
    from > to
      ? 'must not be later than the last day'
      : addMonths(from, KEPT_MONTHS) < to && `must be at most ${KEPT_MONTHS} months before the last day`;
  if (detail) throw new AppError('validation-failed', { errors: [{ pointer: '?from', code: 'invalid-span', detail }] });
}
