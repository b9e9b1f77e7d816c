import { Cron } from 'croner';
import type { FastifyBaseLogger } from 'fastify';
import type { Connection } from 'mongoose';
import type { BackupKeys } from '../backup/keys.ts';
import { runBackup } from '../backup/run.ts';
import { locationOf, parseBackupUrl } from '../backup/storage/url.ts';
import { SYSTEM } from '../models/audit-event.ts';
import { newestGood } from '../models/backup.ts';
import { timelineAt } from '../models/journal-shipping.ts';
import { type DrillOptions, runDrill } from '../restore/drill.ts';
import type { Job } from './runner.ts';

/** What a run may take beyond the time between two of them: older, and one was left out. */
const GRACE_MS = 2 * 3_600_000;

/** Of so many runs the two that are furthest apart say how old the newest may get: those on weekdays pause longer. */
const RUNS_LOOKED_AT = 10;

/** How old the newest backup may become: 26 hours, where one is made each day. */
function overdueAfterMs(schedule: string): number {
  const times = new Cron(schedule, { timezone: 'UTC', paused: true }).nextRuns(RUNS_LOOKED_AT).map(Number);
  return Math.max(0, ...times.slice(1).map((time, n) => time - (times[n] ?? time))) + GRACE_MS;
}

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
      isShippedTo: true,
      trigger: 'schedule',
      origin: SYSTEM,
      signal,
    });
    if (!manifest.consistent)
      log.warn(
        { job: 'backup' },
        'the backup is of no moment: the database did not keep one while its journal was read',
      );
    if (notRemoved !== undefined) log.warn({ job: 'backup' }, 'older backups could not be removed');
    return { documents, bytes, removed: removed.length };
  },
});

/** Restores the newest backup into a scratch database, to see that it can be. One that cannot fails the job. */
export const drillJob = ({
  schedule,
  ...options
}: Pick<DrillOptions, 'connection' | 'uri' | 'url' | 'env'> & {
  readonly schedule: string;
}): Job => ({
  name: 'drill',
  schedule,
  run: async (signal) => {
    const { documents, entries, bytes } = await runDrill({
      ...options,
      signal,
      trigger: 'schedule',
      origin: SYSTEM,
    });
    return { documents, entries, bytes };
  },
});

/** Many times what it takes. */
const SHIPPED_WITHIN_MS = 10 * 60_000;

/** Hourly: says so when the last good backup, or what was shipped of the journal, is older than it should be. */
export const watchBackups = ({ url, schedule }: Pick<BackupJobOptions, 'url' | 'schedule'>, log: Log): Job => ({
  name: 'watch-backups',
  schedule: '41 * * * *',
  run: async () => {
    const limit = overdueAfterMs(schedule);
    const overdue = (await ageMs('backup', url)) > limit;
    if (overdue)
      log.warn({ job: 'backup' }, `there is no good backup of the last ${Math.round(limit / 3_600_000)} hours`);
    const behind = (await shippingAgeMs(url)) > SHIPPED_WITHIN_MS;
    if (behind) log.warn({ job: 'ship-journal' }, 'the journal has not been shipped beside the backups for 10 minutes');
    return { overdue: overdue ? 1 : 0, behind: behind ? 1 : 0 };
  },
});

/** How old the last good backup, or drill, in that place is; infinitely old where there is none. */
export async function ageMs(kind: 'backup' | 'drill', url: string, now = Date.now()): Promise<number> {
  const newest = await newestGood(kind, locationOf(parseBackupUrl(url)));
  // What happened since it began is not in it.
  return newest ? now - newest.startedAt.getTime() : Number.POSITIVE_INFINITY;
}

/** How long ago all that was acknowledged stood beside the backups in that place; infinitely long where it never did. */
export async function shippingAgeMs(url: string, now = Date.now()): Promise<number> {
  const timeline = await timelineAt(locationOf(parseBackupUrl(url)));
  return timeline ? now - timeline.through.getTime() : Number.POSITIVE_INFINITY;
}
