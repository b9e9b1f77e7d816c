import { BackupDamagedError, BackupError } from '../errors.ts';
import type { BackupKeys } from '../keys.ts';
import type { Storage } from '../storage/storage.ts';
import { MARGIN_MS } from '../write.ts';
import { type Head, JOURNAL, readHead } from './head.ts';
import { parseSegmentName, readSegment } from './segment.ts';

/** The segments of a timeline from a moment on: whatever was acknowledged between that and `through` is in them. */
export interface TimelinePart {
  readonly id: string;
  readonly through: Date;
  /** File names, the oldest first. */
  readonly segments: readonly string[];
}

/**
 * Goes back from the head of a timeline until nothing from `since` on is missing, and reads each segment on the way: what is
 * damaged, or was taken away, is found before anything is done with it.
 * @throws {BackupKeyError} @throws {BackupDamagedError}
 */
export async function openTimeline(
  storage: Storage,
  id: string,
  since: Date,
  keys: BackupKeys | undefined,
): Promise<TimelinePart> {
  const head = await readHead(storage, id, keys);
  if (!head) throw new BackupError(`There is no journal ${id} in ${storage.location}.`);
  const segments: string[] = [];
  const enough = since.getTime() - MARGIN_MS;
  for (let next = lastOf(head); next; ) {
    const { segment, sha256, sequence } = next;
    const found = await readSegment(storage, id, segment, keys);
    if (!found) throw new BackupDamagedError(`${segment} of journal ${id} is missing.`);
    const { header } = found;
    if (found.sha256 !== sha256 || header.sequence !== sequence)
      throw new BackupDamagedError(`${segment} of journal ${id} is not the segment that was written.`);
    segments.unshift(segment);
    if (header.through.getTime() <= enough) break;
    next = header.previous && { ...header.previous, sequence: sequence - 1 };
  }
  return { id, through: new Date(head.through), segments };
}

const lastOf = ({ segment, sha256, sequence }: Head) =>
  segment !== undefined && sha256 !== undefined ? { segment, sha256, sequence } : undefined;

/** The entries of these segments as BSON, in the order in which they were shipped. */
export async function* entriesOf(
  storage: Storage,
  { id, segments }: TimelinePart,
  keys: BackupKeys | undefined,
): AsyncGenerator<Buffer> {
  for (const segment of segments) {
    const found = await readSegment(storage, id, segment, keys);
    if (!found) throw new BackupDamagedError(`${segment} of journal ${id} is missing.`);
    yield* found.entries;
  }
}

/**
 * Removes the segments that no moment needs any more: those of which a backup holds all, which is itself older than
 * moments are kept for.
 * @param needed the time from which on everything is kept
 * @returns how many files
 */
export async function removeOldSegments(storage: Storage, needed: Date): Promise<number> {
  let removed = 0;
  const limit = needed.getTime() - MARGIN_MS;
  for (const path of await storage.files(JOURNAL)) {
    const [, , name = ''] = path.split('/');
    const { through } = parseSegmentName(name) ?? {};
    if (through === undefined || through.getTime() >= limit) continue;
    await storage.remove(path);
    removed += 1;
  }
  return removed;
}
