// B5: the stolen backup, and the key that was not there. Elsewhere a copy of the database lay in a bucket for everybody to
// read, was exchanged for another one by whoever could write there, or a wrong key was noticed when half of the target
// had been overwritten. Here an encrypted backup shows names and numbers alone, does not open if anything in it was
// altered, moved or left out, and a key that is missing or wrong stops whatever is done before it has begun.

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BackupDamagedError, BackupKeyError } from '../../src/backup/errors.ts';
import { type BackupKeys, parseBackupKeys } from '../../src/backup/keys.ts';
import { openBackup } from '../../src/backup/read.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { addAccounts, backUp, directories, documentsOf } from '../helpers/backups.ts';
import { databases } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';

const { client, fresh } = databases();
const freshDirectory = directories();

const db = fresh();
const ACCOUNTS = 500;
const SPEC = generateKeyringSpec();
const keys = parseBackupKeys(SPEC);

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await addAccounts(db, ACCOUNTS, () => ({ firstName: 'Canary' }));
});

let root: string;
let id: string;
beforeEach(async () => {
  root = await freshDirectory();
  id = (await backUp(db, { storage: new DirectoryStorage(root), keys })).manifest.id;
});

const open = (by: BackupKeys | undefined = keys, which = id) => openBackup(new DirectoryStorage(root), which, by);
const inBackup = (...path: string[]) => join(root, id, ...path);
const USERS = () => inBackup(db.databaseName, 'users.bson.gz.enc');
const SESSIONS = () => inBackup(db.databaseName, 'sessions.bson.gz.enc');

describe('with the key', () => {
  it('one in clear that somebody has put in its place does not open', async () => {
    const plain = await backUp(db, { storage: new DirectoryStorage(root) });
    await rm(inBackup(), { recursive: true });
    await cp(join(root, plain.manifest.id), inBackup(), { recursive: true });
    const forged = (await readFile(inBackup('manifest.json'), 'utf8')).replaceAll(plain.manifest.id, id);
    await writeFile(inBackup('manifest.json'), forged);
    await expect(open()).rejects.toThrow(BackupKeyError);
    await (await openBackup(new DirectoryStorage(root), id)).verify();
  });
});

describe('without the key', () => {
  it('an archive shows no plaintext, and is not compressed plaintext either', async () => {
    const names = await readdir(root, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(40);
    for (const { parentPath, name } of files) {
      const bytes = await readFile(join(parentPath, name));
      for (const secret of ['Canary', 'example.com', 'passwordHash'])
        expect(bytes.includes(secret), `${name}: ${secret}`).toBe(false);
      if (name === 'manifest.json') continue;
      expect(name).toMatch(/\.enc$/);
      expect(() => gunzipSync(bytes)).toThrow();
      expect(() => gunzipSync(bytes.subarray(40))).toThrow();
    }
  });

  it.each([
    ['no key', undefined],
    ['a key of another name', generateKeyringSpec()],
    ['another key of the same name', `${SPEC.split(':')[0]}:${generateKeyringSpec().split(':')[1]}`],
  ])('%s stops the command before anything is written', async (_name, spec) => {
    const others = spec === undefined ? undefined : parseBackupKeys(spec);
    await expect(openBackup(new DirectoryStorage(root), id, others)).rejects.toThrow(BackupKeyError);
    const target = await freshDirectory();
    const env = { BACKUP_URL: pathToFileURL(root).href, ...(spec !== undefined && { BACKUP_KEYS: spec }) };
    const { code, stdout, stderr } = await roster(['backup', 'decrypt', id, target], { env });
    expect([code, stdout, stderr.includes('BACKUP_KEYS')]).toEqual([1, '', true]);
    expect(await readdir(target)).toEqual([]);
    expect(stderr).not.toContain(SPEC.split(':')[1]);
  });
});

describe('with the key', () => {
  it('a backup is decrypted into what mongodump would have written', async () => {
    const target = await freshDirectory();
    const env = { BACKUP_URL: pathToFileURL(root).href, BACKUP_KEYS: SPEC };
    const { code, stderr } = await roster(['backup', 'decrypt', id, target], { env });
    expect(code, stderr).toBe(0);
    expect(gunzipSync(await readFile(join(target, id, db.databaseName, 'users.bson.gz'))).includes('Canary')).toBe(
      true,
    );
    // And the result is a backup like any other.
    const plain = await openBackup(new DirectoryStorage(target), id);
    expect(await documentsOf(plain, 'users')).toEqual(await documentsOf(await open(), 'users'));
    const again = await roster(['backup', 'decrypt', id, target], { env });
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already')]);
  });

  it('an older key reads on when another one writes', async () => {
    const rotated = parseBackupKeys(`${generateKeyringSpec()},${SPEC}`);
    expect(await documentsOf(await open(rotated), 'users')).toHaveLength(ACCOUNTS);
  });
});

describe('an archive that was tampered with', () => {
  const another = async () => (await backUp(db, { storage: new DirectoryStorage(root), keys })).manifest.id;
  const inFiles: Record<string, () => Promise<void>> = {
    'a file of another collection': async () => cp(SESSIONS(), USERS()),
    'the same file of another backup': async () =>
      cp(join(root, await another(), db.databaseName, 'users.bson.gz.enc'), USERS()),
    'a file that was cut off': async () => writeFile(USERS(), (await readFile(USERS())).subarray(0, -1)),
    'a file that goes on': async () => writeFile(USERS(), Buffer.concat([await readFile(USERS()), Buffer.from('x')])),
    'a file that is gone': () => rm(USERS()),
    'a file in clear': async () => {
      const plain = await backUp(db, { storage: new DirectoryStorage(root) });
      await cp(join(root, plain.manifest.id, db.databaseName, 'users.bson.gz'), USERS());
    },
  };
  it.each(Object.entries(inFiles))('by %s does not open', async (_name, tamper) => {
    await tamper();
    await expect(documentsOf(await open(), 'users')).rejects.toThrow(BackupDamagedError);
  });

  const inManifest: Record<string, (manifest: Record<string, unknown>) => unknown> = {
    'a collection left out': (manifest) => ({ ...manifest, collections: (manifest['collections'] as []).slice(1) }),
    'a file left out': (manifest) => ({ ...manifest, files: (manifest['files'] as []).slice(1) }),
    'another migration level': (manifest) => ({ ...manifest, migrations: [] }),
    'another time': (manifest) => ({ ...manifest, finishedAt: new Date(0).toISOString() }),
    'no signature': ({ mac: _mac, ...manifest }) => manifest,
    'a path that leads elsewhere': (manifest) => ({
      ...manifest,
      files: [{ path: '../../etc/passwd', bytes: 1, sha256: '0'.repeat(64) }],
    }),
    'something more': (manifest) => ({ ...manifest, note: 'x' }),
    'no manifest at all': () => [],
  };
  it.each(Object.entries(inManifest))('by %s in its manifest does not open', async (_name, tamper) => {
    const manifest = JSON.parse(await readFile(inBackup('manifest.json'), 'utf8'));
    await writeFile(inBackup('manifest.json'), JSON.stringify(tamper(manifest)));
    await expect(open()).rejects.toThrow(BackupDamagedError);
  });

  it('as a whole, by another one under its name, does not open', async () => {
    const newer = await another();
    await rm(inBackup(), { recursive: true });
    await cp(join(root, newer), inBackup(), { recursive: true });
    await expect(open()).rejects.toThrow(BackupDamagedError);
  });
});
