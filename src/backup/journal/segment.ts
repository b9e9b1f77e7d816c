import { createGzip } from 'node:zlib';
import { BSON } from 'mongodb';
import { documentsIn, uncompressed } from '../bson-file.ts';
import { decrypted, ENCRYPTED, encrypted } from '../encryption.ts';
import { BackupDamagedError, BackupKeyError } from '../errors.ts';
import type { BackupKey, BackupKeys } from '../keys.ts';
import { newBackupId, timeOfBackup } from '../manifest.ts';
import { NotedFile } from '../noted-file.ts';
import type { Storage } from '../storage/storage.ts';
import { directoryOfTimeline, JOURNAL_FORMAT } from './head.ts';

/** Stands before the entries of a segment. */
export interface SegmentHeader {
  readonly format: typeof JOURNAL_FORMAT;
  readonly timeline: string;
  readonly database: string;
  readonly sequence: number;
  /** The segment before; absent in the first one. */
  readonly previous?: SegmentName;
  /** Whatever was acknowledged before is in this segment or in one before it. */
  readonly through: Date;
  /** When it was looked for entries. Where there were more than go into one segment, `through` is long before. */
  readonly writtenAt: Date;
  readonly entries: number;
}

export interface SegmentName {
  readonly segment: string;
  /** Of the file, in hexadecimal digits. */
  readonly sha256: string;
}

const SUFFIX = '.bson.gz';
/** `0000000042-20260131T021700Z-1a2b3c4d.bson.gz`; with a key `….k1.bson.gz.enc`. */
const NAME = /^(\d{10})-(\d{8}T\d{6}Z-[0-9a-f]{8})(?:\.([A-Za-z0-9_-]{1,32})\.bson\.gz\.enc|\.bson\.gz)$/;

function nameOf({ sequence, writtenAt }: SegmentHeader, key: BackupKey | undefined): string {
  const stem = `${String(sequence).padStart(10, '0')}-${newBackupId(writtenAt)}`;
  return key ? `${stem}.${key.id}${SUFFIX}${ENCRYPTED}` : `${stem}${SUFFIX}`;
}

/** What the name of a segment tells; undefined where it is none. `writtenAt` is told to the second, and never too late. */
export function parseSegmentName(name: string): { sequence: number; writtenAt: Date; keyId?: string } | undefined {
  const [, sequence, time = '', keyId] = NAME.exec(name) ?? [];
  if (sequence === undefined) return undefined;
  return { sequence: Number(sequence), writtenAt: timeOfBackup(time), ...(keyId !== undefined && { keyId }) };
}

/** Writes a segment: its header and its entries as BSON, compressed, and encrypted like a file of a backup. */
export async function writeSegment(
  storage: Storage,
  header: SegmentHeader,
  entries: readonly Uint8Array[],
  key: BackupKey | undefined,
): Promise<SegmentName> {
  const segment = nameOf(header, key);
  const noted = new NotedFile(segment);
  const compressed = createGzip();
  compressed.end(Buffer.concat([BSON.serialize(header), ...entries]));
  const stored = key ? encrypted(compressed, key, { backupId: header.timeline, path: segment }) : compressed;
  await storage.write(`${directoryOfTimeline(header.timeline)}/${segment}`, noted.through(stored));
  return { segment, sha256: noted.file().sha256 };
}

export interface Segment {
  readonly header: SegmentHeader;
  readonly sha256: string;
  /** As BSON. */
  readonly entries: readonly Buffer[];
}

/**
 * Reads a segment to its end. It was made to be held in memory.
 * @returns undefined where it is missing
 * @throws {BackupKeyError} when its key is not among `keys`, or when it has none though there are keys
 * @throws {BackupDamagedError} when it is not what was written
 */
export async function readSegment(
  storage: Storage,
  timeline: string,
  segment: string,
  keys: BackupKeys | undefined,
): Promise<Segment | undefined> {
  const key = keyOfSegment(segment, keys);
  const content = await storage.read(`${directoryOfTimeline(timeline)}/${segment}`);
  if (content === undefined) return undefined;
  const noted = new NotedFile(segment);
  const bytes = noted.through(content);
  const opened = key ? decrypted(bytes, key, { backupId: timeline, path: segment }) : bytes;
  const documents: Buffer[] = [];
  for await (const document of documentsIn(uncompressed(opened, segment), segment)) documents.push(document);
  const [first, ...entries] = documents;
  const header = (first ? BSON.deserialize(first) : {}) as SegmentHeader;
  if (header.format !== JOURNAL_FORMAT || header.timeline !== timeline || header.entries !== entries.length)
    throw new BackupDamagedError(`${segment} is not the segment that was written.`);
  return { header, sha256: noted.file().sha256, entries };
}

function keyOfSegment(segment: string, keys: BackupKeys | undefined): BackupKey | undefined {
  const { keyId } = parseSegmentName(segment) ?? {};
  if (keyId === undefined) {
    if (keys) throw new BackupKeyError(`${segment} is in clear: nothing tells who made it.`);
    return undefined;
  }
  const key = keys?.find(keyId);
  if (!key) throw new BackupKeyError(`${segment} is encrypted with key '${keyId}', which BACKUP_KEYS lacks.`);
  return key;
}
