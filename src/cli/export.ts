import { type Command, Option } from 'commander';
import { writerOf } from '../export/formats.ts';
import { openKeyring } from '../keyring-file.ts';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import { formatOfName, PORTABLE_FORMATS, type PortableFormat } from '../lib/portable-format.ts';
import { OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import type { UserRecord } from '../models/user.ts';
import { type Names, openNames, withNames } from '../models/user-names.ts';
import { countDeletedUsers, countWalkedUsers, walkUsers } from '../models/user-walk.ts';
import { count } from '../progress.ts';
import { CommandError, say, UsageError, withDatabase } from './context.ts';
import { writeLines } from './output.ts';

export function register(program: Command): void {
  const family = program.command('export').description('Takes accounts out into a file.');
  family
    .command('users')
    .description('Writes all accounts as NDJSON or CSV, as "import users" reads them.')
    .option(
      '--output <file>',
      'file to write, whole or not at all, readable by its owner alone (default: standard output)',
    )
    .addOption(
      new Option('--format <format>', 'default: by the name of the file, else ndjson').choices(PORTABLE_FORMATS),
    )
    .option('--include-password-hashes', 'so that people can sign in where the file is imported')
    .addHelpText('after', EXPORT_HELP)
    .action(exportCommand);
}

const EXPORT_HELP = `
Accounts come in the order of their ids, each as it is at the moment at which it is read.

Left out are deleted accounts; password hashes, unless asked for; and of each account its id, the time and number of its
changes, the reason for its status, the times of its last sign-in and change of password, a legal hold, its sessions and
its audit events.

In CSV a field is quoted where CSV needs it and otherwise written as it is, so that import reads back what was stored.
A name may begin with "=", "+", "-" or "@": in a spreadsheet, import the columns as text, lest it takes them for formulas.`;

interface ExportCommandOptions {
  readonly output?: string;
  readonly format?: PortableFormat;
  readonly includePasswordHashes?: true;
}

async function exportCommand(options: ExportCommandOptions): Promise<void> {
  const { output, includePasswordHashes: withHashes = false } = options;
  const format = options.format ?? (output === undefined ? 'ndjson' : formatOfName(output));
  if (format === undefined)
    throw new UsageError(`The name of ${output} does not tell its format: add --format ndjson or --format csv.`);
  await withDatabase(async ({ config }) => {
    await recordExport(withHashes);
    const written = { accounts: 0 };
    const lines = exportLines(openKeyring(config), format, withHashes, written);
    await writeLines(output, lines);
    const deleted = await countDeletedUsers();
    say(`Exported ${count(written.accounts)} accounts ${withHashes ? 'with' : 'without'} their password hashes.`);
    if (deleted > 0) say(`Left out ${count(deleted)} deleted accounts.`);
  });
}

/** Before anything leaves: an export that is broken off has been one. */
async function recordExport(withHashes: boolean): Promise<void> {
  await recordAuditEvent(undefined, OPERATOR, {
    action: 'users.exported',
    target: { collection: 'users' },
    count: await countWalkedUsers(),
    ...(withHashes && { changes: ['passwordHash'] }),
  });
}

async function* exportLines(
  keyring: Keyring,
  format: PortableFormat,
  withHashes: boolean,
  written: { accounts: number },
): AsyncGenerator<string> {
  const { header, line } = writerOf(format, withHashes);
  yield header;
  for await (const user of walkUsers(withHashes)) {
    yield line(withNames(user, namesOrNothing(keyring, user)));
    written.accounts++;
  }
}

/** Accounts without their names would pass for whole. @throws {CommandError} */
function namesOrNothing(keyring: Keyring, user: UserRecord): Names {
  try {
    return openNames(keyring, user);
  } catch (error) {
    if (!(error instanceof DecryptionError)) throw error;
    throw new CommandError(
      `KEYRING does not open the names of ${user._id.toHexString()}: ${error.message}. "keys rotate --dry-run" names all that do not open.`,
    );
  }
}
