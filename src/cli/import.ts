import { type Command, Option } from 'commander';
import { nameKeepingOf } from '../dependencies.ts';
import { UnusableFileError } from '../import/errors.ts';
import { openFile } from '../import/file.ts';
import { importUsers, type Tally } from '../import/import-users.ts';
import { Mapping } from '../import/mapping.ts';
import { Report } from '../import/report.ts';
import { openKeyring } from '../keyring-file.ts';
import { showProgress } from '../progress.ts';
import { say, UsageError, withDatabase } from './context.ts';
import { collectNames, IMPORT_FORMATS, type OpenEntries, readerOf, type SourceOptions } from './import-options.ts';
import { type ImportSummary, summaryText } from './import-summary.ts';

export function register(program: Command): void {
  const family = program.command('import').description('Brings accounts in from a file.');
  family
    .command('users')
    .description('Imports accounts from NDJSON or CSV, as "export users" writes them, or from another system.')
    .argument('<file>', 'file to read; its name tells the format (.ndjson, .jsonl, .csv)')
    .addOption(
      new Option('--format <format>', 'format of a file whose name does not tell, or the system it comes from').choices(
        IMPORT_FORMATS,
      ),
    )
    .option('--map <theirs=ours>', 'CSV: which field a column is; metadata.<name> keeps it, "-" does not', collectNames)
    .option('--hash-config <file>', 'Firebase: the password hash parameters of the project')
    .option('--without-unusable-hashes', 'import accounts whose hash is not supported without a password')
    .option('--include-app-metadata', 'keep in metadata also what people could not change there; here they can')
    .option('--dry-run', 'check everything, write no account')
    .option('--report <file>', 'where to tell which lines were refused (default: <file>.refused.ndjson)')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', IMPORT_HELP)
    .action(importCommand);
}

const IMPORT_HELP = `
Fields, all but email optional:
  email, firstName, lastName, avatarUrl, metadata     as at sign-up, normalised and checked alike
  passwordHash    argon2, bcrypt, scrypt, Firebase scrypt, PBKDF2 or salted SHA of bounded cost; replaced by a current
                  one at the next sign-in
  emailVerified   true or false (default)
  status          active (default), inactive or suspended
  roles           user (default), support, admin
  createdAt       ISO 8601 with a time zone; default: now
NDJSON has one such object a line. CSV has a header with these names, in any order; roles are joined by ";", metadata is
JSON, and an empty cell is a field left out. docs/portable-user.schema.json describes an account, docs/moving-in.md how
the accounts of other systems get here.

An email that has an account already is skipped, so a run that was interrupted is continued by running it again. A
refused line changes nothing else; the report has its line, a JSON pointer to the field, a code and the reason. Of other
systems' fields the summary tells where each went and what was left out.

Exit status: 0 when every account was imported or skipped, 1 when some were refused or the import stopped, 2 when the
command line or the file cannot be used.`;

interface ImportCommandOptions extends SourceOptions {
  readonly dryRun?: true;
  readonly report?: string;
  readonly json?: true;
}

async function importCommand(path: string, options: ImportCommandOptions): Promise<void> {
  const openEntries = await readerOf(path, options);
  const started = Date.now();
  const mapping = new Mapping();
  const { report, tally } = await run(path, { openEntries, mapping }, options).catch((error: unknown) => {
    throw error instanceof UnusableFileError ? new UsageError(error.message) : error;
  });
  const fields = mapping.rows();
  const summary: ImportSummary = {
    file: path,
    dryRun: options.dryRun ?? false,
    entries: tally.entries,
    imported: tally.imported,
    skipped: tally.skipped,
    refused: tally.refused,
    seconds: (Date.now() - started) / 1000,
    report: tally.refused > 0 ? report : null,
    ...(fields.length > 0 && { mapping: fields }),
  };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : summaryText(summary));
  if (tally.refused > 0) process.exitCode = 1;
}

interface Source {
  readonly openEntries: OpenEntries;
  readonly mapping: Mapping;
}

async function run(
  path: string,
  { openEntries, mapping }: Source,
  options: ImportCommandOptions,
): Promise<{ report: string; tally: Tally }> {
  const dryRun = options.dryRun ?? false;
  const file = await openFile(path);
  const report = await Report.open(options.report ?? `${path}.refused.ndjson`).catch((error: Error) => {
    throw new UsageError(`The report cannot be written: ${error.message}. Choose another file with --report.`);
  });
  try {
    return await withDatabase(async ({ config }) => {
      const progress = showProgress<Tally>(process.stderr, {
        total: file.bytes,
        whole: 'the file',
        done: ({ bytes }) => bytes,
        unit: 'accounts',
        counted: ({ entries }) => entries,
      });
      try {
        const tally = await importUsers(openEntries(file.stream, config, mapping), {
          names: nameKeepingOf(config, openKeyring(config)),
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
