import { transaction } from '../database.ts';
import { recordAuditEvent } from '../models/audit-event.ts';
import { toId } from '../models/ids.ts';
import { listSessions } from '../models/session.ts';
import { endAllSessions } from '../models/session-end.ts';
import { findAnyUser } from '../models/user-account.ts';
import { headers, IdParams, NoContent, ref, signedInProblems } from '../schemas/common.ts';
import { SessionListQuery, SessionPage } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { cursorFor, linkToNext, sessionView } from './representations.ts';

/** The sessions of an account, as admins and support see and end them. */
export default async function adminUserSessions(app: App): Promise<void> {
  app.get(
    '/users/:id/sessions',
    {
      schema: {
        operationId: 'listUserSessions',
        summary: 'List the sessions of an account',
        tags: ['Administration'],
        params: IdParams,
        querystring: SessionListQuery,
        response: {
          200: { ...ref(SessionPage), description: 'A page of sessions, newest first.', headers: headers('Link') },
          ...signedInProblems('forbidden', 'not-found', 'invalid-cursor'),
        },
      },
      config: { permission: 'sessions:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor } = request.query;
      const { _id } = await findAnyUser(toId(request.params.id));
      const cursors = cursorFor('sessions', { userId: _id });
      const found = await listSessions(_id, limit + 1, cursors.read(cursor)?.id);
      const items = found.slice(0, limit);
      const last = items.at(-1);
      const nextCursor = found.length > limit && last ? cursors.write({ key: '', id: last._id.toHexString() }) : null;
      linkToNext(request, reply, nextCursor);
      const target = { collection: 'users', id: _id };
      await recordAuditEvent(undefined, request.origin, { action: 'sessions.listed', target, count: items.length });
      return { items: items.map((session) => sessionView(app.deps.keyring, session, request.session)), nextCursor };
    },
  );

  app.delete(
    '/users/:id/sessions',
    {
      schema: {
        operationId: 'endUserSessions',
        summary: 'Sign an account out everywhere',
        description: 'It may sign in again: to keep it out, suspend it.',
        tags: ['Administration'],
        params: IdParams,
        response: { 204: NoContent, ...signedInProblems('forbidden', 'not-found') },
      },
      config: { permission: 'sessions:write' },
    },
    async (request, reply) => {
      const { _id } = await findAnyUser(toId(request.params.id));
      await transaction((tx) => endAllSessions(tx, request.origin, _id));
      return reply.code(204).send(null);
    },
  );
}
