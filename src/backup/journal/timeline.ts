import { BackupDamagedError, BackupError } from '../errors.ts';
import type { BackupKeys } from '../keys.ts';
import type { Storage } from '../storage/storage.ts';
import { MARGIN_MS } from '../write.ts';
import { directoryOfTimeline, type Head, isHead, JOURNAL, peekHead, readHead } from './head.ts';
import { parseSegmentName, readSegment, type SegmentName } from './segment.ts';

/** The segments of a timeline from a moment on: whatever was acknowledged between that and `through` is in them. */
export interface TimelinePart {
  readonly id: string;
  readonly through: Date;
  /** File names, the oldest first. */
  readonly segments: readonly string[];
}

/**
 * Goes back from the end of a timeline until nothing from `since` on is missing, and reads each segment on the way: what is
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
  const beyond = await beyondHead(storage, head, keys);
  const segments = [...beyond.segments];
  for (let next = lastOf(head); next && !isBefore(next.segment, since); ) {
    const { segment, sha256, sequence } = next;
    const found = await readSegment(storage, id, segment, keys);
    if (!found) throw new BackupDamagedError(`${segment} of journal ${id} is missing.`);
    const { header } = found;
    if (found.sha256 !== sha256 || header.sequence !== sequence)
      throw new BackupDamagedError(`${segment} of journal ${id} is not the segment that was written.`);
    segments.unshift(segment);
    next = header.previous && { ...header.previous, sequence: sequence - 1 };
  }
  return { id, through: beyond.through, segments };
}

const lastOf = ({ segment, sha256, sequence }: Head) =>
  segment !== undefined && sha256 !== undefined ? { segment, sha256, sequence } : undefined;

/** Whether all that is in a segment was acknowledged before a moment; the same when it is looked for and when it goes. */
const isBefore = (segment: string, moment: Date): boolean =>
  (parseSegmentName(segment)?.writtenAt.getTime() ?? Number.NaN) < moment.getTime() - MARGIN_MS;

/**
 * The segments that follow on the one that the head names. Whoever ships may be killed before they write the head, and whoever
 * can write there may put an older head in its place: what was shipped is found all the same.
 */
async function beyondHead(storage: Storage, head: Head, keys: BackupKeys | undefined) {
  const { segment, sha256 } = head;
  const ends: { last: Partial<SegmentName>; segments: string[]; through: Date }[] = [
    {
      last: { ...(segment !== undefined && { segment }), ...(sha256 !== undefined && { sha256 }) },
      segments: [],
      through: new Date(head.through),
    },
  ];
  const names = (await storage.files(directoryOfTimeline(head.id))).map((path) => path.split('/').at(-1) ?? '');
  // In the order of their numbers. Of several that follow on the same one, all but one were written in vain.
  for (const name of names.filter((each) => (parseSegmentName(each)?.sequence ?? 0) > head.sequence).sort()) {
    const found = await readSegment(storage, head.id, name, keys);
    const { previous, through } = found?.header ?? {};
    const end = ends.find(({ last }) => last.segment === previous?.segment && last.sha256 === previous?.sha256);
    if (!found || !end || !through) continue;
    const later = through > end.through ? through : end.through;
    ends.push({ last: { segment: name, sha256: found.sha256 }, segments: [...end.segments, name], through: later });
  }
  return ends.at(-1) as (typeof ends)[number];
}

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

/** Ids of the timelines of a database that began after a moment. What stands in their heads is not verified. */
export async function timelinesSince(storage: Storage, database: string, moment: Date): Promise<string[]> {
  const found: string[] = [];
  for (const path of (await storage.files(JOURNAL)).filter(isHead)) {
    const [, id = ''] = path.split('/');
    const head = await peekHead(storage, id);
    if (head?.database === database && new Date(head.startedAt) > moment) found.push(id);
  }
  return found;
}

/**
 * Removes the segments that no moment needs any more: those of which a backup holds all, which is itself older than
 * moments are kept for.
 * @param needed the time from which on everything is kept
 * @returns how many files
 */
export async function removeOldSegments(storage: Storage, needed: Date): Promise<number> {
  let removed = 0;
  for (const path of await storage.files(JOURNAL)) {
    if (!isBefore(path.split('/').at(-1) ?? '', needed)) continue;
    await storage.remove(path);
    removed += 1;
  }
  return removed;
}
