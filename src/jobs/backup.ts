import type { FastifyBaseLogger } from 'fastify';
import type { Connection } from 'mongoose';
import type { BackupKeys } from '../backup/keys.ts';
import { runBackup } from '../backup/run.ts';
import { SYSTEM } from '../models/audit-event.ts';
import { newestGoodBackup } from '../models/backup.ts';
import type { Job } from './runner.ts';

/** A day and what a run may take: older, and one was left out. */
const OVERDUE_MS = 26 * 3_600_000;

interface BackupJobOptions {
  readonly connection: Connection;
  readonly url: string;
  readonly keys: BackupKeys | undefined;
  readonly schedule: string;
}

type Log = Pick<FastifyBaseLogger, 'warn'>;

/** Makes a backup of everything, and removes those that have had their time. */
export const backupJob = ({ connection, url, keys, schedule }: BackupJobOptions, log: Log): Job => ({
  name: 'backup',
  schedule,
  run: async (signal) => {
    const { documents, bytes, removed, notRemoved, manifest } = await runBackup({
      connection,
      url,
      keys,
      trigger: 'schedule',
      origin: SYSTEM,
      signal,
    });
    if (!manifest.consistent)
      log.warn({ job: 'backup' }, 'the backup is not of one moment: the database did not keep that moment long enough');
    if (notRemoved !== undefined) log.warn({ job: 'backup' }, 'older backups could not be removed');
    return { documents, bytes, removed: removed.length };
  },
});

/** Hourly: says so when the last good backup is older than it should be, or when there is none. */
export const watchBackups = (log: Log): Job => ({
  name: 'watch-backups',
  schedule: '41 * * * *',
  run: async () => {
    const overdue = (await backupAgeMs()) > OVERDUE_MS;
    if (overdue) log.warn({ job: 'backup' }, 'there is no good backup of the last 26 hours');
    return { overdue: overdue ? 1 : 0 };
  },
});

/** How old the last good backup is; infinitely old where there is none. */
export async function backupAgeMs(now = Date.now()): Promise<number> {
  const newest = await newestGoodBackup();
  // What happened since it began is not in it.
  return newest ? now - newest.startedAt.getTime() : Number.POSITIVE_INFINITY;
}
