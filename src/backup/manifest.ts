import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { BackupDamagedError, BackupError, BackupKeyError } from './errors.ts';
import { type BackupKey, type BackupKeys, keyOf } from './keys.ts';

/** The last file of a backup to be written: what has none is no backup. */
export const MANIFEST = 'manifest.json';

const FORMAT = 'roster-backup/1';

/** `20260131T021700Z-1a2b3c4d`: in the order of their times, and one that nobody else has. */
const BACKUP_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;

const hex = Type.String({ pattern: '^[0-9a-f]{64}$' });
const count = Type.Integer({ minimum: 0 });
/** `<database>/<file>` or `<file>`: none that leads out of the directory. */
const path = Type.String({ pattern: '^([A-Za-z0-9_%-][A-Za-z0-9_.%-]*/)?[A-Za-z0-9_%-][A-Za-z0-9_.%-]*$' });
const closed = { additionalProperties: false };

const manifestSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    id: Type.String({ pattern: BACKUP_ID.source }),
    /** Version of this program. */
    tool: Type.String(),
    database: Type.String({ minLength: 1 }),
    startedAt: Type.String(),
    finishedAt: Type.String(),
    /** Whether all collections are as they were at one moment. */
    consistent: Type.Boolean(),
    /** File names of the migrations that the database has seen. */
    migrations: Type.Array(Type.String()),
    encryption: Type.Union([
      Type.Null(),
      Type.Object({ algorithm: Type.String(), keyId: Type.String(), check: Type.String() }, closed),
    ]),
    collections: Type.Array(
      Type.Object({ name: Type.String(), documents: count, bytes: count, sha256: hex, digest: hex }, closed),
    ),
    /** All files but this one, as they are stored. */
    files: Type.Array(Type.Object({ path, bytes: count, sha256: hex }, closed)),
  },
  closed,
);

/** What a backup consists of. It is stored in clear, and tells names and numbers only. */
export type Manifest = Static<typeof manifestSchema>;
export type StoredFile = Manifest['files'][number];

/** The id of a backup that begins now. */
export const newBackupId = (at: Date): string =>
  `${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;

export const isBackupId = (text: string): boolean => BACKUP_ID.test(text);

/** When a backup of that id was begun. */
export function timeOfBackup(id: string): Date {
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)T(..)(..)(..)/.exec(id) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** The text of the file. With a key it is authenticated, and by its hashes so is every file of the backup. */
export function writeManifest(manifest: Manifest, key: BackupKey | undefined): string {
  const { id } = manifest;
  if (!Value.Check(manifestSchema, manifest)) throw new BackupError(`The manifest of ${id} could not be read again.`);
  const mac = key && { mac: macOf(manifest, key).toString('base64url') };
  return `${JSON.stringify({ ...manifest, ...mac }, null, 1)}\n`;
}

/** SHA-256 of the text of a manifest, in hexadecimal digits: stands for the whole backup. */
export const manifestHash = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Reads what `writeManifest` wrote for the backup of that id.
 * @throws {BackupKeyError} when its key is not among `keys`, or when it has none though there are keys
 * @throws {BackupDamagedError} when it is not what was written
 */
export function openManifest(text: string, id: string, keys: BackupKeys | undefined): Manifest {
  const { mac, manifest } = parseManifest(text, id);
  if (manifest.id !== id) throw new BackupDamagedError(`The manifest of ${id} is that of another backup.`);
  if (manifest.encryption === null) {
    // Whoever can write there could have put it in the place of one that nobody else can make.
    if (keys)
      throw new BackupKeyError(
        `Backup ${id} is in clear: nothing tells who made it. To read it all the same, leave BACKUP_KEYS out.`,
      );
    return manifest;
  }
  const own = macOf(manifest, keyOf(keys, { id, encryption: manifest.encryption }));
  const given = Buffer.from(mac ?? '', 'base64url');
  if (own.length !== given.length || !timingSafeEqual(own, given))
    throw new BackupDamagedError(`The manifest of ${id} was altered.`);
  return manifest;
}

/** The same without its key: for lists and rotation, which believe it no more than its name and its numbers. */
export const peekManifest = (text: string, id: string): Manifest => parseManifest(text, id).manifest;

function parseManifest(text: string, id: string): { mac: string | undefined; manifest: Manifest } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new BackupDamagedError(`The manifest of ${id} is damaged.`);
  }
  const { mac, ...manifest } = (parsed ?? {}) as Record<string, unknown>;
  if (typeof manifest['format'] === 'string' && manifest['format'] !== FORMAT)
    throw new BackupError(`Backup ${id} has the format ${manifest['format']}, which this version does not read.`);
  if (!Value.Check(manifestSchema, manifest)) throw new BackupDamagedError(`The manifest of ${id} is damaged.`);
  return { mac: typeof mac === 'string' ? mac : undefined, manifest };
}

/** JSON keeps the order of its keys, so what was read is written as it was. */
const macOf = (manifest: Manifest, key: BackupKey): Buffer => key.derive('manifest', JSON.stringify(manifest));
