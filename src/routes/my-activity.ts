import { activityView } from '../audit/views.ts';
import { listAuditEvents } from '../models/audit-list.ts';
import { sessionOf } from '../plugins/authentication.ts';
import { ActivityPage, ActivityQuery } from '../schemas/audit.ts';
import { headers, ref, signedInProblems } from '../schemas/common.ts';
import type { App } from '../types/fastify.ts';
import { cursorFor, linkToNext } from './representations.ts';

/** What happened to the own account, for whoever wonders whether it was they. */
export default async function myActivity(app: App): Promise<void> {
  const { keyring } = app.deps;

  app.get(
    '/users/me/activity',
    {
      schema: {
        operationId: 'listMyActivity',
        summary: 'List what happened to the own account',
        description: 'Sign-ins, failed ones too, changes, and when staff looked at it.',
        tags: ['Account'],
        querystring: ActivityQuery,
        response: {
          200: { ...ref(ActivityPage), description: 'A page of events, newest first.', headers: headers('Link') },
          ...signedInProblems('invalid-cursor'),
        },
      },
    },
    async (request, reply) => {
      const { limit = 20, cursor } = request.query;
      const { userId } = sessionOf(request);
      const target = userId.toHexString();
      const cursors = cursorFor('activity', { target });
      const { events, next } = await listAuditEvents({ target }, limit, { after: cursors.read(cursor)?.id });
      const nextCursor = next && cursors.write({ key: '', id: next });
      linkToNext(request, reply, nextCursor);
      return { items: events.map((event) => activityView(keyring, event, userId)), nextCursor };
    },
  );
}
