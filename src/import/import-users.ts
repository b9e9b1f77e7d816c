import { transaction } from '../database.ts';
import { AppError, type InputProblem } from '../errors.ts';
import { OPERATOR } from '../models/audit-event.ts';
import { existingEmails, type ImportedUser, importUsers as writeUsers } from '../models/user-import.ts';
import type { NameKeeping } from '../models/user-names.ts';
import { checkAccount } from './account.ts';
import type { Entry } from './entries.ts';
import { FirstLines } from './first-lines.ts';

/**
 * Accounts in one transaction: it costs one commit, and what a kill undoes is written again in a fraction of a second.
 * More of them make it no faster, and a transaction larger.
 */
const BATCH = 500;
/** Each attempt sees one more of the sign-ups that were quicker; so many in a row are no coincidence. */
const MAX_ATTEMPTS = 20;

/** How far an import has come. Every entry is counted once: imported, skipped, refused or waiting for its batch. */
export interface Tally {
  entries: number;
  /** In a dry run: what would be. */
  imported: number;
  /** Their email has an account already. */
  skipped: number;
  refused: number;
  bytes: number;
}

export interface ImportOptions {
  readonly names: NameKeeping;
  readonly dryRun: boolean;
  onRefusal(line: number, problems: readonly InputProblem[]): Promise<void>;
  /** Called after each batch. */
  onProgress(tally: Readonly<Tally>): void;
}

/**
 * Imports accounts in batches, each in one transaction with its audit events. Idempotent by email: what was imported
 * before, by an earlier run that was killed or by this one, is skipped. So a run that ended early is continued by
 * running it again.
 */
export async function importUsers(entries: AsyncIterable<Entry>, options: ImportOptions): Promise<Tally> {
  const tally: Tally = { entries: 0, imported: 0, skipped: 0, refused: 0, bytes: 0 };
  const firstLines = new FirstLines();
  let batch: ImportedUser[] = [];
  const flush = async (): Promise<void> => {
    const skipped = await (options.dryRun ? countExisting(batch) : write(options.names, batch));
    tally.skipped += skipped;
    tally.imported += batch.length - skipped;
    batch = [];
    options.onProgress(tally);
  };
  for await (const entry of entries) {
    tally.entries++;
    tally.bytes += entry.bytes;
    const checked = check(entry, firstLines);
    if ('user' in checked) batch.push(checked.user);
    else {
      tally.refused++;
      await options.onRefusal(entry.line, checked.problems);
    }
    if (batch.length === BATCH) await flush();
  }
  await flush();
  return tally;
}

function check(entry: Entry, firstLines: FirstLines): ReturnType<typeof checkAccount> {
  if ('problems' in entry) return entry;
  const checked = checkAccount(entry.value);
  if ('problems' in checked) return checked;
  const first = firstLines.noteOrFind(checked.user.email, entry.line);
  if (first === undefined) return checked;
  return { problems: [{ pointer: '/email', code: 'duplicate', detail: `is the email of line ${first}, too` }] };
}

const countExisting = async (users: readonly ImportedUser[]): Promise<number> =>
  (await existingEmails(users.map(({ email }) => email))).size;

/** @returns how many were skipped */
async function write(names: NameKeeping, users: readonly ImportedUser[]): Promise<number> {
  if (users.length === 0) return 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return (await transaction((tx) => writeUsers(tx, OPERATOR, names, users))).size;
    } catch (error) {
      const overtaken = error instanceof AppError && error.code === 'email-taken';
      if (!overtaken || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
