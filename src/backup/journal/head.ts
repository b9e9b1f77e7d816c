import { type Static, Type } from 'typebox';
import { AuthenticatedFile } from '../authenticated.ts';
import type { BackupKey, BackupKeys } from '../keys.ts';
import { encryptionSchema } from '../manifest.ts';
import { once } from '../noted-file.ts';
import { readText, type Storage } from '../storage/storage.ts';

/** The directory of the journal in the storage; below it each timeline has its own. */
export const JOURNAL = 'journal';
export const JOURNAL_FORMAT = 'roster-journal/1';

const HEAD = 'head.json';

const headSchema = Type.Object(
  {
    format: Type.Literal(JOURNAL_FORMAT),
    /** Of the timeline. */
    id: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    database: Type.String({ minLength: 1 }),
    startedAt: Type.String(),
    /** Whatever was acknowledged before is in a segment. */
    through: Type.String(),
    /** Of the last segment; 0 where there is none. */
    sequence: Type.Integer({ minimum: 0 }),
    segment: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]+$' })),
    /** SHA-256 of the last segment, which names the one before, and so on: none of them is missing unnoticed. */
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    encryption: encryptionSchema,
  },
  { additionalProperties: false },
);

/** How far a timeline has come: the one file of it that is written again and again. */
export type Head = Static<typeof headSchema>;

const headFile = new AuthenticatedFile({
  schema: headSchema,
  format: JOURNAL_FORMAT,
  purpose: 'journal-head',
  whole: (id) => `Journal ${id}`,
  file: (id) => `The head of journal ${id}`,
});

export const directoryOfTimeline = (id: string): string => `${JOURNAL}/${id}`;

export const writeHead = (storage: Storage, head: Head, key: BackupKey | undefined): Promise<void> =>
  storage.write(`${directoryOfTimeline(head.id)}/${HEAD}`, once(Buffer.from(headFile.write(head, key))));

/** @returns undefined where there is no such timeline @throws {BackupKeyError} @throws {BackupDamagedError} */
export async function readHead(storage: Storage, id: string, keys: BackupKeys | undefined): Promise<Head | undefined> {
  const text = await readText(storage, `${directoryOfTimeline(id)}/${HEAD}`);
  return text === undefined ? undefined : headFile.open(text, id, keys);
}

/** The same without its key: it is believed no more than its name. @throws {BackupDamagedError} */
export async function peekHead(storage: Storage, id: string): Promise<Head | undefined> {
  const text = await readText(storage, `${directoryOfTimeline(id)}/${HEAD}`);
  return text === undefined ? undefined : headFile.peek(text, id);
}

export const isHead = (path: string): boolean => path.endsWith(`/${HEAD}`);
