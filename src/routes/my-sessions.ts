import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { listSessions } from '../models/session.ts';
import { endAllSessions, endSession } from '../models/session-end.ts';
import { sessionOf } from '../plugins/authentication.ts';
import { clearSessionCookies } from '../plugins/session-cookies.ts';
import { headers, IdParams, NoContent, ref, signedInProblems } from '../schemas/common.ts';
import { SessionListQuery, SessionPage } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { cursorFor, linkToNext, sessionView } from './representations.ts';

const SignedOut = { ...NoContent, headers: headers('Set-Cookie') };

/** The sessions of the account: see them, end them. */
export default async function mySessions(app: App): Promise<void> {
  const cursors = cursorFor('sessions');

  app.get(
    '/sessions',
    {
      schema: {
        operationId: 'listSessions',
        summary: 'List the own sessions',
        tags: ['Sessions'],
        querystring: SessionListQuery,
        response: {
          200: { ...ref(SessionPage), description: 'A page of sessions, newest first.', headers: headers('Link') },
          ...signedInProblems('invalid-cursor'),
        },
      },
    },
    async (request, reply) => {
      const { limit = 20, cursor } = request.query;
      const current = sessionOf(request);
      const found = await listSessions(current.userId, limit + 1, cursors.read(cursor)?.id);
      const items = found.slice(0, limit);
      const last = items.at(-1);
      const nextCursor = found.length > limit && last ? cursors.write({ key: '', id: last._id.toHexString() }) : null;
      linkToNext(request, reply, nextCursor);
      return { items: items.map((session) => sessionView(app.deps.keyring, session, current)), nextCursor };
    },
  );

  app.delete(
    '/sessions',
    {
      schema: {
        operationId: 'endAllSessions',
        summary: 'Sign out everywhere',
        description: 'Ends all sessions of the account, this one included.',
        tags: ['Sessions'],
        response: { 204: SignedOut, ...signedInProblems() },
      },
    },
    async (request, reply) => {
      const { userId } = sessionOf(request);
      await transaction((tx) => endAllSessions(tx, request.origin, userId));
      clearSessionCookies(request, reply);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/sessions/current',
    {
      schema: {
        operationId: 'signOut',
        summary: 'Sign out',
        tags: ['Sessions'],
        response: { 204: SignedOut, ...signedInProblems() },
      },
    },
    async (request, reply) => {
      const { userId, _id } = sessionOf(request);
      // Whether a parallel sign-out was first makes no difference to whoever asked: the session is over.
      await transaction((tx) => endSession(tx, request.origin, userId, _id.toHexString()));
      clearSessionCookies(request, reply);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/sessions/:id',
    {
      schema: {
        operationId: 'endSession',
        summary: 'End one of the own sessions',
        tags: ['Sessions'],
        params: IdParams,
        response: { 204: SignedOut, ...signedInProblems('not-found') },
      },
    },
    async (request, reply) => {
      const { userId, _id } = sessionOf(request);
      const { id } = request.params;
      const ended = await transaction((tx) => endSession(tx, request.origin, userId, id));
      if (!ended) throw new AppError('not-found');
      if (id === _id.toHexString()) clearSessionCookies(request, reply);
      return reply.code(204).send(null);
    },
  );
}
