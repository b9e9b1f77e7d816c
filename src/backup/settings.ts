import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Cron } from 'croner';
import { holdsSampleKey } from '../lib/keyring.ts';
import { type BackupKeys, parseBackupKeys } from './keys.ts';
import { parseBackupUrl } from './storage/url.ts';

interface BackupSettings {
  readonly BACKUP_URL?: string;
  readonly BACKUP_KEYS?: string;
  readonly BACKUP_SCHEDULE: string;
  readonly NODE_ENV: string;
  readonly DATA_DIRECTORY: string;
}

/** What is wrong with the configuration of backups, a line for each mistake, without any key. */
export function backupProblems({ BACKUP_URL, BACKUP_KEYS, BACKUP_SCHEDULE, NODE_ENV }: BackupSettings): string[] {
  const problems = problemOf('BACKUP_SCHEDULE', () => new Cron(BACKUP_SCHEDULE, { paused: true }));
  if (BACKUP_URL !== undefined) problems.push(...problemOf('BACKUP_URL', () => parseBackupUrl(BACKUP_URL)));
  if (BACKUP_KEYS === undefined) return problems;
  const wrong = problemOf('BACKUP_KEYS', () => parseBackupKeys(BACKUP_KEYS));
  if (wrong.length === 0 && NODE_ENV === 'production' && holdsSampleKey(BACKUP_KEYS))
    wrong.push('BACKUP_KEYS holds the sample key from the documentation; make one by `bin/roster keys generate`');
  return [...problems, ...wrong];
}

function problemOf(name: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`${name}: ${(error as Error).message}`];
  }
}

export const backupKeysOf = ({ BACKUP_KEYS }: Pick<BackupSettings, 'BACKUP_KEYS'>): BackupKeys | undefined =>
  BACKUP_KEYS === undefined ? undefined : parseBackupKeys(BACKUP_KEYS);

/** Where commands find backups; undefined in production, where nobody has said so. */
export function backupUrlOf({ BACKUP_URL, NODE_ENV, DATA_DIRECTORY }: BackupSettings): string | undefined {
  if (BACKUP_URL !== undefined || NODE_ENV === 'production') return BACKUP_URL;
  return pathToFileURL(join(resolve(DATA_DIRECTORY), 'backups')).href;
}
