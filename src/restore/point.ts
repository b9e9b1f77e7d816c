import { BackupError } from '../backup/errors.ts';
import { entriesOf, openTimeline, type TimelinePart } from '../backup/journal/timeline.ts';
import type { BackupKeys } from '../backup/keys.ts';
import type { Manifest } from '../backup/manifest.ts';
import { type Backup, listBackups, openBackup } from '../backup/read.ts';
import type { Storage } from '../backup/storage/storage.ts';

/** Where a moment is restored from: the backup before it, and the journal from there on. */
export interface Point {
  readonly backup: Backup;
  /** Absent where nothing was shipped after that backup. */
  readonly journal?: TimelinePart;
  /** The moment: all that was acknowledged before is in it, and nothing that began afterwards. */
  readonly moment: Date;
}

export interface Wanted {
  /** Of the database that was backed up. */
  readonly database: string;
  /** The latest that there is, unless given. */
  readonly to?: Date | undefined;
  /** As that backup was, or from it on. */
  readonly backup?: string | undefined;
}

/** Whether the journal of its run makes one moment of it. */
const isConsistent = (manifest: Manifest): boolean => manifest.moment !== undefined;

/**
 * Finds what a moment is restored from, and whether all of it is there: the manifest and the key, and each segment of
 * the journal. Nothing is written anywhere.
 * @throws {BackupError} saying which moments there are
 */
export async function findPoint(storage: Storage, keys: BackupKeys | undefined, wanted: Wanted): Promise<Point> {
  const { database, to, backup: id } = wanted;
  const own = (await listBackups(storage)).filter((each) => each.database === database);
  const [chosen] = own
    .filter((each) => id === undefined || each.id === id)
    .filter((each) => isConsistent(each) && (to === undefined || new Date(each.finishedAt) <= to));
  if (!chosen) throw new BackupError(noneOf(own, storage, wanted));
  // Its manifest was not believed until here.
  const backup = await openBackup(storage, chosen.id, keys);
  const moment = momentOf(backup.manifest);
  const { timeline } = backup.manifest;
  // A named backup is meant as it was, unless a later moment is asked for.
  const isAlone = timeline === undefined || (id !== undefined && to === undefined);
  if (isAlone) {
    if (to !== undefined && to > moment)
      throw new BackupError(`The journal was not shipped after ${moment.toISOString()}: nothing is known of later.`);
    return { backup, moment };
  }
  const journal = await openTimeline(storage, timeline, moment, keys);
  const latest = journal.through > moment ? journal.through : moment;
  if (to !== undefined && to > latest)
    throw new BackupError(`The journal reaches to ${latest.toISOString()}: nothing is known of later.`);
  return { backup, journal, moment: to ?? latest };
}

const momentOf = ({ moment }: Manifest): Date => new Date(moment ?? Number.NaN);

function noneOf(own: readonly Manifest[], { location }: Storage, { database, to, backup }: Wanted): string {
  const oldest = own.filter(isConsistent).at(-1);
  const named = own.find(({ id }) => id === backup);
  if (backup !== undefined && !named) return `There is no backup ${backup} of ${database} in ${location}.`;
  if (named && !isConsistent(named))
    return `Backup ${named.id} is of no moment: the database did not keep one while it was made.`;
  if (named)
    return `Backup ${named.id} is not from before ${to?.toISOString()}: it was made until ${named.finishedAt}.`;
  if (!oldest) return `There is no backup of ${database} in ${location} that could be restored.`;
  return `There is no backup from before ${to?.toISOString()}: the oldest was made until ${oldest.finishedAt}.`;
}

/**
 * The entries of the journal that lead to a point, as BSON. Those of the backup's own run were all committed before it was
 * finished, whatever the clock of who wrote them said: a copy holds them already, or half of them.
 */
export async function* entriesTo(
  { backup, journal }: Point,
  storage: Storage,
  keys: BackupKeys | undefined,
): AsyncGenerator<{ readonly entry: Buffer; readonly isPast: boolean }> {
  for await (const entry of backup.documents('journal')) yield { entry, isPast: true };
  if (journal) for await (const entry of entriesOf(storage, journal, keys)) yield { entry, isPast: false };
}
