import type { Connection } from 'mongoose';
import { backupKeysOf } from './backup/settings.ts';
import { backupAgeMs, backupJob, shippingAgeMs, watchBackups } from './jobs/backup.ts';
import type { Job } from './jobs/runner.ts';
import { shipJournalJob } from './jobs/ship-journal.ts';
import type { App } from './types/fastify.ts';

/** What makes backups and sees that they are made: nothing, unless it is said where to. */
export function openBackups({ config, log, metrics }: App, connection: Connection): Job[] {
  const { BACKUP_URL: url, BACKUP_SCHEDULE: schedule } = config;
  if (url === undefined) return [];
  const keys = backupKeysOf(config);
  if (!keys) log.warn('backups are not encrypted: BACKUP_KEYS is not set');
  metrics.watchBackups(() => backupAgeMs(url));
  metrics.watchShipping(() => shippingAgeMs(url));
  return [
    shipJournalJob({ connection, url, keys }),
    backupJob({ connection, url, keys, schedule }, log),
    watchBackups({ url, schedule }, log),
  ];
}
