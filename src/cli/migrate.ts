import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { MIGRATIONS_DIRECTORY, shippedMigrations, withMigrationClient } from '../migrations.ts';
import { type Rehearsal, type RehearsalStep, rehearse } from '../rehearsal/rehearse.ts';
import { CommandError, say, withDatabase } from './context.ts';
import { positiveInteger } from './options.ts';

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const NAME_LENGTH = 60;
const LAST_NUMBER = 999;

export function register(program: Command): void {
  const family = program
    .command('migrate')
    .description('Writes and tries migrations. To apply them: npx migrate-mongo up | down | status.');
  family
    .command('create')
    .description('Writes the skeleton of the next migration, with the next number.')
    .argument('<name>', 'what it does, as in add_user_nicknames', migrationName)
    .action(async (name: string) => {
      process.stdout.write(`${await createMigration(name)}\n`);
    });
  family
    .command('rehearse')
    .description('Tries migrations up, down and up again on a copy of the database, and reports what they do.')
    .option('--sample <n>', 'copy at most so many documents of each collection, picked at random', positiveInteger)
    .option(
      '--steps <n>',
      'undo and redo so many of the newest migrations (default: the pending ones)',
      positiveInteger,
    )
    .addHelpText('after', REHEARSE_HELP)
    .action(rehearseCommand);
}

const REHEARSE_HELP = `
The copy is a scratch database on the same server, dropped afterwards; the database itself is only read. Without
pending migrations the newest one is undone and redone. Exits with 1 when a migration fails, when a document is lost, or
when collections, indexes or validators do not come back as they were.`;

/** For commander: the name of a migration. */
export function migrationName(name: string): string {
  if (name.length > NAME_LENGTH || !NAME.test(name))
    throw new InvalidArgumentError(
      `Use lower-case words joined by underscores, at most ${NAME_LENGTH} characters, as in add_user_nicknames.`,
    );
  return name;
}

/** @returns the path of the new file, which has the next number */
export async function createMigration(
  name: string,
  directory = MIGRATIONS_DIRECTORY,
  text = SKELETON,
): Promise<string> {
  const last = (await shippedMigrations(directory)).at(-1);
  const number = last === undefined ? 1 : Number(last.slice(0, 3)) + 1;
  if (number > LAST_NUMBER) throw new CommandError(`There is no number after ${LAST_NUMBER}.`);
  const path = join(directory, `${String(number).padStart(3, '0')}_${name}.js`);
  // Never over a file that somebody else has just made.
  await writeFile(path, text, { flag: 'wx' });
  return path;
}

/** It refuses to run until both directions are written: a migration that did nothing would count as applied. */
const SKELETON = `// Why: (what this changes and for what reason; the schema document shows it)

// Each step must be safe to repeat: killed midway, a migration runs again from its start. See lib/shape.js.

export async function up(_db) {
  throw new Error('up is not written');
}

/** Destroys no document. */
export async function down(_db) {
  throw new Error('down is not written');
}
`;

async function rehearseCommand({ sample, steps }: { sample?: number; steps?: number }): Promise<void> {
  await withDatabase(
    ({ uri }) =>
      withMigrationClient(uri, async (client) => {
        const report = await rehearse(client, client.db().databaseName, { sampleSize: sample, steps }, say);
        process.stdout.write(rehearsalText(report));
        if (report.problems.length > 0) process.exitCode = 1;
      }),
    { schema: 'any' },
  );
}

function rehearsalText({ documentsCopied, steps, problems }: Rehearsal): string {
  const verdict =
    problems.length > 0 ? ['NOT proven:', ...problems.map((line) => `  ${line}`)] : ['Proven: up, down, up.'];
  return [`Copied ${documentsCopied} documents.`, ...steps.flatMap(stepLines), ...verdict, ''].join('\n');
}

function stepLines({ direction, migrations, milliseconds, documents, shape }: RehearsalStep): string[] {
  const counts = documents.map(
    ({ collection, added, changed, removed }) =>
      `${collection}: ${added} added, ${changed} changed, ${removed} removed`,
  );
  return [
    `${direction}: ${migrations.join(', ') || 'nothing'} (${milliseconds} ms)`,
    ...(counts.length > 0 ? counts : ['no document changed']).map((line) => `  ${line}`),
    ...shape.map((line) => `  ${line}`),
  ];
}
