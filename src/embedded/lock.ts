import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startedAt } from './processes.ts';

/** Who keeps the database of a directory, and where that process can be spoken to. */
export interface Holder {
  pid: number;
  startedAt: string;
  /** Port on 127.0.0.1 where the keeper takes clients. */
  controlPort: number;
  /** Proves to the keeper that a client can read this directory. */
  token: string;
}

const NAME = /^database\.lock\.(\d+)$/;
const RELEASED = 'released';

/**
 * The lock of a data directory is the file `database.lock.N` with the highest N. Whoever finds it released, or its
 * holder dead, tries to create number N + 1; creating a name is atomic, so one of them succeeds, and nobody ever
 * removes a lock that another may just have taken. A killed holder therefore leaves nothing to clean up by hand.
 *
 * @returns what releases the lock, or undefined when somebody alive holds it
 */
export function acquireLock(directory: string, holder: Omit<Holder, 'startedAt'>): (() => void) | undefined {
  const content = JSON.stringify({ ...holder, startedAt: startedAt(holder.pid) ?? '' });
  for (;;) {
    const top = highest(directory);
    if (top > 0 && aliveHolder(directory, top) !== undefined) return undefined;
    const mine = top + 1;
    if (!create(directory, mine, content)) continue;
    if (highest(directory) > mine) {
      // We acted on a listing older than somebody's whole turn: their number is higher, and counts.
      rmSync(pathOf(directory, mine), { force: true });
      continue;
    }
    removeBelow(directory, mine);
    // The highest file stays, as the counter: were it removed, a late reader of an old listing could count past us.
    return () => replace(directory, mine, RELEASED);
  }
}

/** Who holds the lock of `directory` and is alive, if anybody. */
export function currentHolder(directory: string): Holder | undefined {
  const top = highest(directory);
  return top === 0 ? undefined : aliveHolder(directory, top);
}

const pathOf = (directory: string, number: number): string => join(directory, `database.lock.${number}`);

const numbers = (directory: string): number[] =>
  readdirSync(directory).flatMap((name) => {
    const match = NAME.exec(name);
    return match === null ? [] : [Number(match[1])];
  });

const highest = (directory: string): number => Math.max(0, ...numbers(directory));

function aliveHolder(directory: string, number: number): Holder | undefined {
  let holder: Holder;
  try {
    holder = JSON.parse(readFileSync(pathOf(directory, number), 'utf8'));
  } catch {
    return undefined; // released, or gone since it was listed
  }
  return startedAt(holder.pid) === holder.startedAt ? holder : undefined;
}

/** Writes a file of our own first and links it, so that the lock is complete at the moment it appears. */
function create(directory: string, number: number, content: string): boolean {
  const draft = writeDraft(directory, content);
  try {
    linkSync(draft, pathOf(directory, number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(directory: string, number: number, content: string): void {
  renameSync(writeDraft(directory, content), pathOf(directory, number));
}

function writeDraft(directory: string, content: string): string {
  const draft = join(directory, `.lock-${process.pid}-${randomBytes(6).toString('hex')}`);
  writeFileSync(draft, content, { mode: 0o600 });
  return draft;
}

function removeBelow(directory: string, number: number): void {
  for (const lower of numbers(directory).filter((candidate) => candidate < number))
    rmSync(pathOf(directory, lower), { force: true });
}
