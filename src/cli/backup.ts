import type { Command } from 'commander';
import { BackupError, UnrecordedBackupError } from '../backup/errors.ts';
import { listBackups, openBackup } from '../backup/read.ts';
import { runBackup } from '../backup/run.ts';
import { backupKeysOf } from '../backup/settings.ts';
import { openStorage } from '../backup/storage/open.ts';
import type { Storage } from '../backup/storage/storage.ts';
import { savedCollections } from '../backup/write.ts';
import { type Config, loadConfig } from '../config.ts';
import { OPERATOR } from '../models/audit-event.ts';
import { BackupRunningError } from '../models/backup.ts';
import { count } from '../progress.ts';
import { runDrill } from '../restore/drill.ts';
import { backupPlace, barOf, type PlaceOptions, urlOf } from './backup-place.ts';
import { CommandError, say, withDatabase } from './context.ts';

export function register(program: Command): void {
  const family = program.command('backup').description('Makes backups of the database, lists and decrypts them.');
  family
    .command('run', { isDefault: true })
    .description('Copies all collections, as "mongodump --gzip" does, and removes backups that have had their time.')
    .addOption(backupPlace())
    .option('--json', 'tell how it goes in JSON lines on the standard output')
    .addHelpText('after', RUN_HELP)
    .action(run);
  family
    .command('list')
    .description('Lists the backups that there are, the newest first.')
    .addOption(backupPlace())
    .option('--json', 'a JSON line for each')
    .action(list);
  family
    .command('verify')
    .description('Restores the newest backup and the journal into a scratch database, looks at it, and drops it.')
    .argument('[backup]', 'reads that one to its end instead, and says whether it is what was written')
    .addOption(backupPlace())
    .option('--json', 'tell in JSON what a restore has found')
    .addHelpText('after', VERIFY_HELP)
    .action((id: string | undefined, options: Options) => (id === undefined ? drill(options) : verify(id, options)));
  family
    .command('decrypt')
    .description('Writes a backup without its encryption, as "mongorestore --gzip" reads it.')
    .argument('<backup>', 'its name, as "backup list" has it')
    .argument('<directory>', 'where to; the backup comes into a directory of its name there')
    .addOption(backupPlace())
    .addHelpText('after', DECRYPT_HELP)
    .action(decrypt);
}

const RUN_HELP = `
It may run while the service does, beside its schedule too: of two runs one is refused. With BACKUP_KEYS every file is
encrypted with the first of them; make one by "keys generate", and keep it apart from the backups. One that fails or is
killed leaves all others as they are. Of each of the last 7 days, 4 weeks and 12 months that have one, the last is kept.

  bin/roster backup
  bin/roster backup run --in s3://backups/roster?region=eu-central-1 --json

Exit status: 0 when the backup is whole and safe, 1 when not, 2 when the command line cannot be used.`;

const VERIFY_HELP = `
The drill makes a database beside the one of the service, named after it, and needs the right to. All of the backup has
to be there, and a service able to live on it: indexes, validators, migrations, encrypted values, audit trail, a sign-in
with a second factor; no session of before, and no mail that would be sent again. The service does it by itself each
month (BACKUP_DRILL_SCHEDULE).

Exit status: 0 when all of it is there, 1 when not, 2 when the command line cannot be used.`;

const DECRYPT_HELP = `
Every file is compared with what was written; a wrong key stops the command before anything is. It asks no database.

  bin/roster backup decrypt 20260131T021700Z-1a2b3c4d /tmp/plain
  mongorestore --gzip /tmp/plain/20260131T021700Z-1a2b3c4d

What is written there is in clear: remove it when it is no longer needed.`;

interface Options extends PlaceOptions {
  readonly json?: true;
}

async function run(options: Options): Promise<void> {
  // Before a database is asked for.
  const url = urlOf(loadConfig(), options);
  const signal = brokenOff('The backup');
  await withDatabase(async ({ config, connection }) => {
    const keys = backupKeysOf(config);
    if (!keys) say('The backup will not be encrypted: BACKUP_KEYS is not set.');
    const db = connection.getClient().db(connection.name);
    const sizes = savedCollections().map((name) => db.collection(name).estimatedDocumentCount());
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    const progress = options.json ? jsonLines(total) : barOf(total);
    const { onDocuments } = progress;
    try {
      tell(
        await runBackup({
          ...{ connection, url, keys, isShippedTo: url === config.BACKUP_URL },
          ...{ trigger: 'command', origin: OPERATOR, signal, onDocuments },
        }),
        options,
      );
    } finally {
      progress.stop();
    }
  }).catch(asCommandError);
}

/** Ends what is under way when an operator does, so that it leaves nothing behind. */
function brokenOff(what: string): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stopping.abort(new BackupError(`${what} was broken off by ${signal}.`)));
  return stopping.signal;
}

/** What a person can act on is told without a stack. */
function asCommandError(error: unknown): never {
  const expected = error instanceof BackupError || error instanceof BackupRunningError;
  const foreign = error instanceof Error && ('$metadata' in error || 'syscall' in error);
  if (error instanceof UnrecordedBackupError) throw new CommandError(error.message);
  throw expected || foreign ? new CommandError(`No backup was made. ${error.message}`) : error;
}

function tell(result: Awaited<ReturnType<typeof runBackup>>, { json }: Options): void {
  const { manifest, location, documents, bytes, removed, notRemoved } = result;
  const { id, consistent, encryption } = manifest;
  const keyId = encryption?.keyId;
  if (json) {
    line({ event: 'done', id, location, documents, bytes, consistent, keyId, removed, notRemoved });
    return;
  }
  process.stdout.write(`${id}\n`);
  say(
    `${count(documents)} documents, ${count(bytes)} bytes in ${location}, ${keyId ? `key ${keyId}` : 'not encrypted'}.`,
  );
  if (!consistent)
    say('It is of no moment, and cannot be restored by itself: the database kept none while its journal was read.');
  if (removed.length > 0) say(`Removed ${count(removed.length)} that had had their time.`);
  if (notRemoved !== undefined) say(`Older ones could not be removed: ${notRemoved}`);
}

const line = (event: object): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};

const EVENT_EVERY_MS = 1_000;

function jsonLines(total: number) {
  let [done, last] = [0, Date.now()];
  line({ event: 'started', total });
  return {
    onDocuments: (more: number, collection: string) => {
      done += more;
      if (Date.now() - last < EVENT_EVERY_MS) return;
      last = Date.now();
      line({ event: 'progress', documents: done, total, collection });
    },
    stop: () => {},
  };
}

async function inStorage(
  options: PlaceOptions,
  work: (storage: Storage, config: Config) => Promise<void>,
): Promise<void> {
  const config = loadConfig();
  const storage = await openStorage(urlOf(config, options));
  try {
    await work(storage, config);
  } catch (error) {
    throw error instanceof BackupError ? new CommandError(error.message) : error;
  } finally {
    storage.close();
  }
}

/** The others are listed all the same. */
function damaged(error: BackupError): void {
  say(error.message);
  process.exitCode = 1;
}

async function list(options: Options): Promise<void> {
  await inStorage(options, async (storage) => {
    for (const { id, database, collections, files, consistent, encryption } of await listBackups(storage, damaged)) {
      const documents = collections.reduce((sum, each) => sum + each.documents, 0);
      const bytes = files.reduce((sum, each) => sum + each.bytes, 0);
      const keyId = encryption?.keyId;
      if (options.json) line({ id, database, documents, bytes, consistent, keyId });
      else process.stdout.write(`${id}  ${database}  ${count(documents)} documents  ${keyId ?? 'not encrypted'}\n`);
    }
  });
}

async function decrypt(id: string, directory: string, options: PlaceOptions): Promise<void> {
  await inStorage(options, async (storage, config) => {
    const backup = await openBackup(storage, id, backupKeysOf(config));
    await backup.decryptInto(directory, brokenOff('It'));
    say(`${directory}/${id} is in clear, and what was backed up.`);
  });
}

async function drill(options: Options): Promise<void> {
  const url = urlOf(loadConfig(), options);
  const signal = brokenOff('The drill');
  await withDatabase(async ({ connection, uri }) => {
    const result = await runDrill({ connection, uri, url, trigger: 'command', origin: OPERATOR, signal });
    const { backup, moment, documents, entries, bytes, durationMs } = result;
    if (options.json) line({ event: 'verified', ...result });
    else process.stdout.write(`${backup} and ${count(entries)} entries of the journal: as it was at ${moment}.\n`);
    say(`${count(documents)} documents from ${count(bytes)} bytes, in ${count(durationMs)} ms. All of it is there.`);
  }).catch((error: unknown) => {
    const expected = error instanceof BackupError || error instanceof BackupRunningError;
    throw expected ? new CommandError(`The drill has failed. ${error.message}`) : error;
  });
}

async function verify(id: string, options: PlaceOptions): Promise<void> {
  await inStorage(options, async (storage, config) => {
    const backup = await openBackup(storage, id, backupKeysOf(config));
    const progress = barOf(backup.manifest.collections.reduce((sum, each) => sum + each.documents, 0));
    try {
      await backup.verify(progress.onDocuments);
    } finally {
      progress.stop();
    }
    say(`${id} is what was backed up.`);
  });
}
