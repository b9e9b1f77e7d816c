import { BACKUP_RENEW_MS, type OwnBackupRun, renewBackupRun } from '../models/backup.ts';
import { BackupError } from './errors.ts';

export const leaseLost = (): BackupError => new BackupError('The lease of the run was lost.');

/**
 * Works on a run that was begun, and keeps its lease.
 * @param work ends when its signal says that the run is no longer its own, or that `stopping` does
 */
export async function whileOwn<T>(
  run: OwnBackupRun,
  stopping: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const renewing = setInterval(() => {
    // Where the database does not answer, the lease may still hold: its end is compared by whoever wants to begin.
    renewBackupRun(run).then(
      (held) => !held && lost.abort(leaseLost()),
      () => {},
    );
  }, BACKUP_RENEW_MS).unref();
  try {
    return await work(AbortSignal.any([stopping, lost.signal]));
  } finally {
    clearInterval(renewing);
  }
}
