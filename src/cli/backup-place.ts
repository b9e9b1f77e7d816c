import { Option } from 'commander';
import { backupUrlOf } from '../backup/settings.ts';
import { parseBackupUrl } from '../backup/storage/url.ts';
import type { Config } from '../config.ts';
import { showProgress } from '../progress.ts';
import { UsageError } from './context.ts';

/** What every command about backups takes. */
export interface PlaceOptions {
  readonly in?: string;
}

export const backupPlace = (): Option =>
  new Option('--in <url>', 'where they are: file:///directory or s3://bucket/prefix (default: BACKUP_URL)');

/** @throws {UsageError} */
export function urlOf(config: Config, { in: given }: PlaceOptions): string {
  const url = given ?? backupUrlOf(config);
  if (url === undefined) throw new UsageError('Where are the backups? Set BACKUP_URL, or give --in.');
  try {
    parseBackupUrl(url);
  } catch (error) {
    throw new UsageError(`--in ${(error as Error).message}.`);
  }
  return url;
}

/** A bar for people, of documents. */
export function barOf(total: number) {
  let done = 0;
  const state = (documents: number) => documents;
  const bar = showProgress<number>(process.stderr, {
    total,
    whole: 'all',
    done: state,
    unit: 'documents',
    counted: state,
  });
  return {
    onDocuments: (more: number) => {
      done += more;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}
