import { createHash, randomBytes } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { AuthenticatedFile } from './authenticated.ts';
import type { BackupKey, BackupKeys } from './keys.ts';

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

/** By which key; null where it is in clear. */
export const encryptionSchema = Type.Union([
  Type.Null(),
  Type.Object({ algorithm: Type.String(), keyId: Type.String(), check: Type.String() }, closed),
]);

const manifestSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    id: Type.String({ pattern: BACKUP_ID.source }),
    /** Version of this program. */
    tool: Type.String(),
    database: Type.String({ minLength: 1 }),
    startedAt: Type.String(),
    finishedAt: Type.String(),
    /** Whether all that is journaled is, with the journal of the run, as it was at one moment. */
    consistent: Type.Boolean(),
    /** That moment. Whatever was acknowledged before is in it. */
    moment: Type.Optional(Type.String()),
    /** The line of segments that goes on from there. Absent where the journal is not shipped. */
    timeline: Type.Optional(Type.String()),
    /** File names of the migrations that the database has seen. */
    migrations: Type.Array(Type.String()),
    encryption: encryptionSchema,
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

const manifestFile = new AuthenticatedFile({
  schema: manifestSchema,
  format: FORMAT,
  purpose: 'manifest',
  whole: (id) => `Backup ${id}`,
  file: (id) => `The manifest of ${id}`,
});

/** The text of the file. With a key it is authenticated, and by its hashes so is every file of the backup. */
export const writeManifest = (manifest: Manifest, key: BackupKey | undefined): string =>
  manifestFile.write(manifest, key);

/** SHA-256 of the text of a manifest, in hexadecimal digits: stands for the whole backup. */
export const manifestHash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Reads what `writeManifest` wrote for the backup of that id. @throws {BackupKeyError} @throws {BackupDamagedError} */
export const openManifest = (text: string, id: string, keys: BackupKeys | undefined): Manifest =>
  manifestFile.open(text, id, keys);

/** The same without its key: for lists and rotation, which believe it no more than its name and its numbers. */
export const peekManifest = (text: string, id: string): Manifest => manifestFile.peek(text, id);
