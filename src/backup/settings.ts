import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Cron } from 'croner';
import { holdsSampleKey, parseKeyring } from '../lib/keyring.ts';
import { type BackupKeys, parseBackupKeys } from './keys.ts';
import { parseBackupUrl } from './storage/url.ts';

interface BackupSettings {
  readonly BACKUP_URL?: string;
  readonly BACKUP_KEYS?: string;
  readonly BACKUP_SCHEDULE: string;
  readonly BACKUP_DRILL_SCHEDULE: string;
  readonly KEYRING?: string;
  readonly NODE_ENV: string;
  readonly DATA_DIRECTORY: string;
}

/** What is wrong with the configuration of backups, a line for each mistake, without any key. */
export function backupProblems(settings: BackupSettings): string[] {
  const { BACKUP_URL } = settings;
  return [
    ...(['BACKUP_SCHEDULE', 'BACKUP_DRILL_SCHEDULE'] as const).flatMap((name) =>
      problemOf(name, () => new Cron(settings[name], { paused: true })),
    ),
    ...(BACKUP_URL === undefined ? [] : problemOf('BACKUP_URL', () => parseBackupUrl(BACKUP_URL))),
    ...keyProblems(settings),
  ];
}

function keyProblems({ BACKUP_KEYS, KEYRING, NODE_ENV }: BackupSettings): string[] {
  if (BACKUP_KEYS === undefined) return [];
  const wrong = problemOf('BACKUP_KEYS', () => parseBackupKeys(BACKUP_KEYS));
  if (wrong.length > 0) return wrong;
  if (NODE_ENV === 'production' && holdsSampleKey(BACKUP_KEYS))
    return ['BACKUP_KEYS holds the sample key from the documentation; make one by `bin/roster keys generate`'];
  return sharesKey(BACKUP_KEYS, KEYRING)
    ? ['BACKUP_KEYS holds a key of KEYRING: whoever restores a backup could read what the other one protects']
    : [];
}

/** Keyrings keep their keys to themselves; what they make of the same input tells whether those are the same. */
function sharesKey(spec: string, other: string | undefined): boolean {
  const marks = (keys: string): string[] =>
    parseKeyring(keys)
      .macs('same-key', '')
      .map((mac) => mac.toString('hex'));
  // What is wrong with the other one is told elsewhere.
  if (other === undefined || problemOf('', () => parseKeyring(other)).length > 0) return false;
  const others = new Set(marks(other));
  return marks(spec).some((mark) => others.has(mark));
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
