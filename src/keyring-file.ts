import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { generateKeyringSpec, type Keyring, parseKeyring } from './lib/keyring.ts';

/**
 * The keyring of KEYRING, or, outside production, the one that was made once and lies under `DATA_DIRECTORY`.
 * @throws KeyringError saying what is wrong with it, and file system errors
 */
export function openKeyring(config: Pick<Config, 'KEYRING' | 'DATA_DIRECTORY'>): Keyring {
  return parseKeyring(config.KEYRING ?? storedSpec(config.DATA_DIRECTORY));
}

function storedSpec(directory: string): string {
  const path = join(directory, 'keyring');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Written whole under another name, then linked, which fails if the name is taken: of two processes at once, one
  // makes the keyring and both read it.
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${generateKeyringSpec()}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, 'utf8').trim();
}
