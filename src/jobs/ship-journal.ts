import type { Connection } from 'mongoose';
import { shipJournal } from '../backup/journal/ship.ts';
import type { BackupKeys } from '../backup/keys.ts';
import { openStorage } from '../backup/storage/open.ts';
import type { Job } from './runner.ts';

interface ShippingJobOptions {
  readonly connection: Connection;
  readonly url: string;
  readonly keys: BackupKeys | undefined;
}

/** Every 20 seconds, so that a change that was acknowledged stands beside the backups within a minute. */
export const shipJournalJob = ({ connection, url, keys }: ShippingJobOptions): Job => ({
  name: 'ship-journal',
  schedule: '*/20 * * * * *',
  run: async (signal) => {
    const storage = await openStorage(url);
    try {
      return { ...(await shipJournal({ storage, database: connection.name, keys, signal })) };
    } finally {
      storage.close();
    }
  },
});
