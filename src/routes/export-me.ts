import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { ARCHIVE_FORMAT, archivedCollections, archiveOf } from '../export/archive.ts';
import { recordAuditEvent } from '../models/audit-event.ts';
import { sessionOf } from '../plugins/authentication.ts';
import { Activity } from '../schemas/audit.ts';
import { headers, ref, signedInProblems } from '../schemas/common.ts';
import type { App } from '../types/fastify.ts';

/** Described here: it has a list for each collection that holds something of a person, whichever there are. */
const archive = () =>
  Type.Object(
    {
      format: Type.Literal(ARCHIVE_FORMAT),
      exportedAt: Type.String({ format: 'date-time' }),
      ...Object.fromEntries(
        archivedCollections().map(({ collection: { name, purpose } }) => [
          name,
          Type.Array(Type.Object({ id: Type.String() }, { additionalProperties: true }), { description: purpose }),
        ]),
      ),
      activity: Type.Array(ref(Activity), { description: 'What the audit trail tells of the account.' }),
    },
    { additionalProperties: false },
  );

/** A copy of one's data (GDPR, articles 15 and 20). */
export default async function exportMe(app: App): Promise<void> {
  app.get(
    '/users/me/export',
    {
      schema: {
        operationId: 'exportMe',
        summary: 'Export all data of the own account',
        description:
          'One JSON document with everything that is kept of the account, without secrets. The format is described in the documentation of administration.',
        tags: ['Account'],
        response: {
          200: { ...archive(), description: 'The archive.', headers: headers('Content-Disposition') },
          ...signedInProblems('reauthentication-required'),
        },
      },
      config: { limit: { name: 'export', max: 10, windowMs: 3_600_000 } },
    },
    async (request, reply) => {
      const { userId } = sessionOf(request);
      const target = { collection: 'users', id: userId };
      await recordAuditEvent(undefined, request.origin, { action: 'user.exported', target });
      void reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', 'attachment; filename="account.json"')
        .header('cache-control', 'no-store');
      // A stream is sent as it comes; the type of the answer is that of what is in it.
      return reply.send(Readable.from(archiveOf(app.deps.keyring, userId)) as never);
    },
  );
}
