import { verifyAuditTrail } from '../audit/verify.ts';
import { auditEventView } from '../audit/views.ts';
import { type AuditEventInput, recordAuditEvent } from '../models/audit-event.ts';
import { type AuditFilter, listAuditEvents } from '../models/audit-list.ts';
import { toId } from '../models/ids.ts';
import { findAnyUser } from '../models/user-account.ts';
import {
  AuditEventPage,
  AuditEventQuery,
  AuditVerification,
  AuditVerificationQuery,
  UserAuditEventQuery,
} from '../schemas/audit.ts';
import { headers, IdParams, ref, signedInProblems } from '../schemas/common.ts';
import type { App } from '../types/fastify.ts';
import { cursorFor, linkToNext } from './representations.ts';

/** Whoever wants more goes on with `next`: an answer has to come before it is given up. */
const VERIFICATION_MS = 5_000;

const page = { ...ref(AuditEventPage), description: 'A page of events, newest first.', headers: headers('Link') };

/** The audit trail, as whoever may read it does. To read it is to read about people, and so is recorded too. */
export default async function auditEvents(app: App): Promise<void> {
  const { keyring } = app.deps;

  async function listed(
    { from, to, ...exact }: Omit<AuditFilter, 'from' | 'to'> & { readonly from?: string; readonly to?: string },
    limit: number,
    cursor: string | undefined,
  ) {
    const filter = { ...exact, ...(from && { from: new Date(from) }), ...(to && { to: new Date(to) }) };
    const cursors = cursorFor('audit-events', filter);
    const { events, next } = await listAuditEvents(filter, limit, { after: cursors.read(cursor)?.id });
    const nextCursor = next && cursors.write({ key: '', id: next });
    return { items: events.map((event) => auditEventView(keyring, event)), nextCursor };
  }

  app.get(
    '/audit-events',
    {
      schema: {
        operationId: 'listAuditEvents',
        summary: 'List audit events',
        description: 'One of `actor`, `target`, `action` and `outcome` at a time, with or without a period.',
        tags: ['Administration'],
        querystring: AuditEventQuery,
        response: { 200: page, ...signedInProblems('forbidden', 'invalid-cursor', 'unsupported-sort') },
      },
      config: { permission: 'audit:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor, ...filter } = request.query;
      const answer = await listed(filter, limit, cursor);
      const of = filter.target ?? filter.actor;
      const target = of === undefined ? { collection: 'audit_events' } : { collection: 'users', id: toId(of) };
      await recordAuditEvent(undefined, request.origin, readOf(target, answer.items.length));
      linkToNext(request, reply, answer.nextCursor);
      return answer;
    },
  );

  app.get(
    '/users/:id/audit-events',
    {
      schema: {
        operationId: 'listUserAuditEvents',
        summary: 'List what was done to an account',
        description: 'Also of an account that is gone, as long as its events are kept.',
        tags: ['Administration'],
        params: IdParams,
        querystring: UserAuditEventQuery,
        response: { 200: page, ...signedInProblems('forbidden', 'not-found', 'invalid-cursor') },
      },
      config: { permission: 'audit:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor, ...filter } = request.query;
      const { id } = request.params;
      const answer = await listed({ ...filter, target: id }, limit, cursor);
      if (answer.items.length === 0) await findAnyUser(toId(id));
      await recordAuditEvent(
        undefined,
        request.origin,
        readOf({ collection: 'users', id: toId(id) }, answer.items.length),
      );
      linkToNext(request, reply, answer.nextCursor);
      return answer;
    },
  );

  app.get(
    '/audit-events/verification',
    {
      schema: {
        operationId: 'verifyAuditEvents',
        summary: 'Verify the audit trail',
        description:
          'Looks at some seals and their events, for five seconds at the most. `bin/roster audit verify` looks at all of them, and compares the newest with one that was noted before.',
        tags: ['Administration'],
        querystring: AuditVerificationQuery,
        response: {
          200: { ...ref(AuditVerification), description: 'What was found.' },
          ...signedInProblems('forbidden'),
        },
      },
      config: { permission: 'audit:read', limit: { name: 'audit-verification', max: 30, windowMs: 60_000 } },
    },
    async (request) => {
      const { from = 1, limit = 100 } = request.query;
      const { verified, head, next, unsealed } = await verifyAuditTrail({
        keyring,
        from,
        limit,
        maxMs: VERIFICATION_MS,
      });
      const { listed: findings, findings: findingCount, seals, events, erased, expired } = verified;
      await recordAuditEvent(undefined, request.origin, {
        action: 'audit.verified',
        target: { collection: 'audit_seals' },
        count: seals,
      });
      const valid = findingCount === 0;
      return { valid, findings, findingCount, seals, events, erased, expired, unsealed, head, next };
    },
  );
}

const readOf = (target: AuditEventInput['target'], count: number) => ({ action: 'audit.read', target, count }) as const;
