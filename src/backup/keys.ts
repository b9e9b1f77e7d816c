import { timingSafeEqual } from 'node:crypto';
import { parseKeyring } from '../lib/keyring.ts';
import { BackupKeyError } from './errors.ts';

/** What encrypts and authenticates one backup: a key of BACKUP_KEYS, which nothing else is done with. */
export interface BackupKey {
  readonly id: string;
  /** 32 bytes that nobody can tell without the key, another 32 for each purpose and each input. */
  derive(purpose: string, input: string | Uint8Array): Buffer;
}

export interface BackupKeys {
  /** The first of them: makes new backups. */
  readonly writing: BackupKey;
  find(id: string): BackupKey | undefined;
}

/**
 * Reads `id:base64key,…`, as KEYRING is written: the first one writes, all of them read.
 * @throws KeyringError saying what is wrong with it
 */
export function parseBackupKeys(spec: string): BackupKeys {
  const keyring = parseKeyring(spec);
  const keys = keyring.keyIds.map(
    (id, index): BackupKey => ({
      id,
      derive: (purpose, input) => keyring.macs(`backup-${purpose}`, input)[index] as Buffer,
    }),
  );
  return { writing: keys[0] as BackupKey, find: (wanted) => keys.find(({ id }) => id === wanted) };
}

/** Tells nothing of the key, but whether another one is the same: so a wrong key is told from a damaged backup. */
export const keyCheck = (key: BackupKey, backupId: string): string =>
  key.derive('key-check', backupId).toString('base64url');

interface Encrypted {
  readonly id: string;
  /** For messages. */
  readonly whole: string;
  readonly encryption: { readonly keyId: string; readonly check: string };
}

/**
 * The key that a backup or a journal was made with.
 * @throws {BackupKeyError} when it is not among `keys`, or is another one of the same name
 */
export function keyOf(keys: BackupKeys | undefined, { id, whole, encryption }: Encrypted): BackupKey {
  const key = keys?.find(encryption.keyId);
  if (key === undefined)
    throw new BackupKeyError(`${whole} is encrypted with key '${encryption.keyId}', which BACKUP_KEYS lacks.`);
  const [own, given] = [keyCheck(key, id), encryption.check].map((text) => Buffer.from(text)) as [Buffer, Buffer];
  if (own.length !== given.length || !timingSafeEqual(own, given))
    throw new BackupKeyError(
      `${whole} is encrypted with another key than the one that BACKUP_KEYS calls '${encryption.keyId}'.`,
    );
  return key;
}
