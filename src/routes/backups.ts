import { type BackupRunRecord, listBackupRuns } from '../models/backup.ts';
import { BackupListQuery, BackupPage } from '../schemas/backup.ts';
import { headers, ref, signedInProblems } from '../schemas/common.ts';
import type { App } from '../types/fastify.ts';
import { cursorFor, linkToNext } from './representations.ts';

const backupView = ({ _id, kind, name, trigger, location, startedAt, ...run }: BackupRunRecord) => ({
  id: _id.toHexString(),
  kind,
  name,
  trigger,
  location,
  startedAt: startedAt.toISOString(),
  ...(run.keyId != null && { keyId: run.keyId }),
  ...(run.finishedAt && { finishedAt: run.finishedAt.toISOString() }),
  ...(run.outcome != null && { outcome: run.outcome }),
  ...(run.consistent != null && { consistent: run.consistent }),
  ...(run.restored != null && { restored: run.restored }),
  ...(run.moment && { moment: run.moment.toISOString() }),
  ...(run.entries != null && { entries: run.entries }),
  ...(run.documents != null && { documents: run.documents }),
  ...(run.bytes != null && { bytes: run.bytes }),
  ...(run.manifestHash != null && { manifestHash: run.manifestHash }),
  ...(run.failure != null && { failure: run.failure }),
});

/** Which backups were made, for whoever operates the service. What they hold is nobody's to read here. */
export default async function backups(app: App): Promise<void> {
  const cursors = cursorFor('backups');

  app.get(
    '/backups',
    {
      schema: {
        operationId: 'listBackups',
        summary: 'List the backups and the drills',
        description:
          'Newest first: those that there are, the drills that tried them, and the runs of the last 90 days that failed.',
        tags: ['Administration'],
        querystring: BackupListQuery,
        response: {
          200: { ...ref(BackupPage), description: 'A page of backups.', headers: headers('Link') },
          ...signedInProblems('forbidden', 'invalid-cursor'),
        },
      },
      config: { permission: 'operations:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor } = request.query;
      const { runs, next } = await listBackupRuns(limit, cursors.read(cursor)?.id);
      const nextCursor = next && cursors.write({ key: '', id: next });
      linkToNext(request, reply, nextCursor);
      return { items: runs.map(backupView), nextCursor };
    },
  );
}
