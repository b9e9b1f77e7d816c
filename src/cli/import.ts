import { type Command, Option } from 'commander';
import { readEntries } from '../import/entries.ts';
import { UnusableFileError } from '../import/errors.ts';
import { openFile } from '../import/file.ts';
import { importUsers, type Tally } from '../import/import-users.ts';
import { Report } from '../import/report.ts';
import { formatOfName, PORTABLE_FORMATS, type PortableFormat } from '../lib/portable-format.ts';
import { count, showProgress } from '../progress.ts';
import { say, UsageError, withDatabase } from './context.ts';

export function register(program: Command): void {
  const family = program.command('import').description('Brings accounts in from a file.');
  family
    .command('users')
    .description('Imports accounts from NDJSON or CSV, as "export users" writes them.')
    .argument('<file>', 'file to read; its name tells the format (.ndjson, .jsonl, .csv)')
    .addOption(new Option('--format <format>', 'format of a file whose name does not tell').choices(PORTABLE_FORMATS))
    .option('--dry-run', 'check everything, write no account')
    .option('--report <file>', 'where to tell which lines were refused (default: <file>.refused.ndjson)')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', IMPORT_HELP)
    .action(importCommand);
}

const IMPORT_HELP = `
Fields, all but email optional:
  email, firstName, lastName, avatarUrl, metadata     as at sign-up, normalised and checked alike
  passwordHash    argon2 or bcrypt of bounded cost; replaced by a current one at the next sign-in
  emailVerified   true or false (default)
  status          active (default), inactive or suspended
  roles           user (default), support, admin
  createdAt       ISO 8601 with a time zone; default: now
NDJSON has one such object a line. CSV has a header with these names, in any order; roles are joined by ";", metadata is
JSON, and an empty cell is a field left out.

An email that has an account already is skipped, so a run that was interrupted is continued by running it again. A
refused line changes nothing else; the report has its line, a JSON pointer to the field, a code and the reason.

Exit status: 0 when every account was imported or skipped, 1 when some were refused or the import stopped, 2 when the
command line or the file cannot be used.`;

interface ImportCommandOptions {
  readonly format?: PortableFormat;
  readonly dryRun?: true;
  readonly report?: string;
  readonly json?: true;
}

async function importCommand(path: string, options: ImportCommandOptions): Promise<void> {
  const format = options.format ?? formatOfName(path);
  if (format === undefined)
    throw new UsageError(`The name of ${path} does not tell its format: add --format ndjson or --format csv.`);
  const started = Date.now();
  const { report, tally } = await run(path, format, options).catch((error: unknown) => {
    throw error instanceof UnusableFileError ? new UsageError(error.message) : error;
  });
  const summary: Summary = {
    file: path,
    dryRun: options.dryRun ?? false,
    entries: tally.entries,
    imported: tally.imported,
    skipped: tally.skipped,
    refused: tally.refused,
    seconds: (Date.now() - started) / 1000,
    report: tally.refused > 0 ? report : null,
  };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : summaryText(summary));
  if (tally.refused > 0) process.exitCode = 1;
}

interface Summary extends Omit<Tally, 'bytes'> {
  readonly file: string;
  readonly dryRun: boolean;
  readonly seconds: number;
  /** The file that tells what was refused; null when nothing was. */
  readonly report: string | null;
}

async function run(
  path: string,
  format: PortableFormat,
  options: ImportCommandOptions,
): Promise<{ report: string; tally: Tally }> {
  const dryRun = options.dryRun ?? false;
  const file = await openFile(path);
  const report = await Report.open(options.report ?? `${path}.refused.ndjson`).catch((error: Error) => {
    throw new UsageError(`The report cannot be written: ${error.message}. Choose another file with --report.`);
  });
  try {
    return await withDatabase(async () => {
      const progress = showProgress<Tally>(process.stderr, {
        total: file.bytes,
        whole: 'the file',
        done: ({ bytes }) => bytes,
        unit: 'accounts',
        counted: ({ entries }) => entries,
      });
      try {
        const tally = await importUsers(readEntries(file.stream, format), {
          dryRun,
          onRefusal: (line, problems) => report.add(line, problems),
          onProgress: (state) => progress.update(state),
        });
        return { report: report.path, tally };
      } catch (error) {
        if (!dryRun) say('The import stopped. What it had imported stays; run it again to go on.');
        throw error;
      } finally {
        progress.stop();
      }
    });
  } finally {
    await report.close();
  }
}

function summaryText({ dryRun, entries, imported, skipped, refused, seconds, report }: Summary): string {
  const rate = count(entries / Math.max(seconds, 0.001));
  const lines = [
    `${dryRun ? 'Would import' : 'Imported'} ${count(imported)} of ${count(entries)} accounts (${seconds.toFixed(1)} s, ${rate}/s).`,
    `Skipped ${count(skipped)} whose email has an account already.`,
    `Refused ${count(refused)}${report === null ? '' : `; ${report} tells why`}.`,
  ];
  return `${lines.join('\n')}\n`;
}
