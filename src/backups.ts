import type { Connection } from 'mongoose';
import { backupKeysOf } from './backup/settings.ts';
import { ageMs, backupJob, drillJob, shippingAgeMs, watchBackups } from './jobs/backup.ts';
import type { Job } from './jobs/runner.ts';
import { shipJournalJob } from './jobs/ship-journal.ts';
import type { App } from './types/fastify.ts';

/** What makes backups and sees that they are made: nothing, unless it is said where to. */
export function openBackups({ config, log, metrics }: App, connection: Connection, uri: string): Job[] {
  const { BACKUP_URL: url, BACKUP_SCHEDULE: schedule, BACKUP_DRILL_SCHEDULE } = config;
  if (url === undefined) return [];
  const keys = backupKeysOf(config);
  if (!keys) log.warn('backups are not encrypted: BACKUP_KEYS is not set');
  metrics.watchAge('backup', () => ageMs('backup', url));
  metrics.watchAge('drill', () => ageMs('drill', url));
  metrics.watchAge('journal', () => shippingAgeMs(url));
  return [
    shipJournalJob({ connection, url, keys }),
    backupJob({ connection, url, keys, schedule }, log),
    drillJob({ connection, uri, url, schedule: BACKUP_DRILL_SCHEDULE }),
    watchBackups({ url, schedule }, log),
  ];
}
