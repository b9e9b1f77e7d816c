import { type Command, InvalidArgumentError } from 'commander';
import { BackupError } from '../backup/errors.ts';
import { backupKeysOf } from '../backup/settings.ts';
import { openStorage } from '../backup/storage/open.ts';
import { loadConfig } from '../config.ts';
import { connect, disconnect } from '../database.ts';
import { provideDatabase } from '../embedded/index.ts';
import { openKeyring } from '../keyring-file.ts';
import { withMigrationClient } from '../migrations.ts';
import { count } from '../progress.ts';
import { type RestoreReport, restore } from '../restore/restore.ts';
import { backupPlace, barOf, type PlaceOptions, urlOf } from './backup-place.ts';
import { CommandError, say, UsageError } from './context.ts';
import { rewind } from './restore-user.ts';

export function register(program: Command): void {
  program
    .command('restore')
    .description(
      'Fills an empty database with the state of a moment: the backup before it, and the journal from there.',
    )
    .addOption(backupPlace())
    .option('--to <time>', 'the moment, as in 2026-01-31T10:15:00Z (default: the latest that there is)', moment)
    .option('--backup <name>', 'that backup as it was, or with --to from it on')
    .option('--of <database>', 'name of the database that was backed up (default: as MONGODB_URI names it)')
    .option('--into <database>', 'another database on the server, which must be empty as well')
    .option('--user <id>', 'only that account, in the database as it is: shows what would change', objectId)
    .option('--yes', 'with --user: changes it')
    .option('--json', 'the report as JSON on the standard output')
    .addHelpText('after', HELP)
    .action(restoreCommand);
}

const HELP = `
Nothing is written before the manifest, the keys and every segment of the journal are known to be whole. Then all
sessions and one-time tokens are ended, mail that waited is not sent, and accounts that were erased since are removed
again. Until the end no service starts on the database; a restore that was broken off is begun anew by the same command.

  bin/roster restore --to 2026-01-31T10:15:00Z
  bin/roster restore --of roster --into roster_restored
  bin/roster restore --user 65a1f0c2d4e8b6a7c9d0e1f2 --to 2026-01-31T10:15:00Z

Make a backup afterwards: the journal of the restored database goes on from there. With --user it is no database that is
restored, but one account and what signs it in (credentials, identities, API keys); its sessions end. An account that was
purged stays purged.

Exit status: 0 when it is restored (with --user and without --yes: when it could be), 1 when not, 2 when the command line
cannot be used.`;

export interface Options extends PlaceOptions {
  readonly to?: Date;
  readonly backup?: string;
  readonly of?: string;
  readonly into?: string;
  readonly user?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** For commander. */
function objectId(text: string): string {
  if (!/^[0-9a-f]{24}$/.test(text)) throw new InvalidArgumentError('It is not the id of an account.');
  return text;
}

/** For commander. */
export function moment(text: string): Date {
  const time = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(text) || Number.isNaN(+time))
    throw new InvalidArgumentError('Use a time with its zone, as in 2026-01-31T10:15:00Z.');
  return time;
}

async function restoreCommand(options: Options): Promise<void> {
  const { user, yes, into } = options;
  if (user !== undefined && into !== undefined)
    throw new UsageError('--user changes the database as it is, not --into.');
  if (user === undefined && yes) throw new UsageError('--yes belongs to --user.');
  await (user === undefined ? restoreDatabase(options) : rewind(user, options));
}

async function restoreDatabase(options: Options): Promise<void> {
  const config = loadConfig();
  const url = urlOf(config, options);
  const database = await provideDatabase(config, say);
  try {
    const report = await withMigrationClient(database.uri, async (client) => {
      const storage = await openStorage(url);
      const own = client.db().databaseName;
      const target = client.db(options.into ?? own);
      const progress = progressOf();
      try {
        return await restore({
          storage,
          keys: backupKeysOf(config),
          keyring: openKeyring(config),
          database: options.of ?? own,
          to: options.to,
          backup: options.backup,
          client,
          target,
          connectModels: () => connect(database.uri, config, target.databaseName),
          say,
          ...progress,
        });
      } finally {
        progress.stop();
        storage.close();
      }
    });
    tell(report, options, options.into ?? 'the database');
  } catch (error) {
    throw error instanceof BackupError ? new CommandError(error.message) : error;
  } finally {
    await disconnect();
    await database.stop();
  }
}

function progressOf() {
  let bar: ReturnType<typeof barOf> | undefined;
  return {
    onStart: (documents: number) => {
      bar = barOf(documents);
    },
    onDocuments: (documents: number) => bar?.onDocuments(documents),
    stop: () => bar?.stop(),
  };
}

function tell(report: RestoreReport, { json }: Options, into: string): void {
  const { backup, moment: at, replayed, migrated, endings, erasedAgain, collections } = report;
  if (json) {
    process.stdout.write(`${JSON.stringify({ event: 'restored', ...report })}\n`);
    return;
  }
  for (const [name, { documents, digest }] of Object.entries(collections))
    process.stdout.write(`${name}  ${count(documents)} documents  ${digest}\n`);
  say(`${into} is as it was at ${at.toISOString()}: backup ${backup}, ${count(replayed)} entries of the journal.`);
  if (migrated.length > 0) say(`Migrated since: ${migrated.join(', ')}.`);
  const { sessions, tokens, mails, deliveries } = endings;
  say(`Ended: ${count(sessions)} sessions, ${count(tokens)} one-time tokens.`);
  say(`Not to be sent any more: ${count(mails)} mails, ${count(deliveries)} deliveries of webhooks.`);
  if (erasedAgain > 0) say(`Removed again, as they had been erased: ${count(erasedAgain)} accounts.`);
  say('Make a backup now: bin/roster backup');
}
