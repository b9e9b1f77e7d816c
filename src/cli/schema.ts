import type { Command } from 'commander';
import { collections } from '../collections/index.ts';
import { writeSchemaDocument } from '../documents/write.ts';
import { withMigrationClient } from '../migrations.ts';
import { checkDatabase, checkMigrations } from '../schema-check/check.ts';
import { say, withDatabase } from './context.ts';
import { migrationName } from './migrate.ts';
import { positiveInteger } from './options.ts';
import { DIFF_HELP, diffSchema } from './schema-diff.ts';

const SAMPLE_SIZE = 1000;

export function register(program: Command): void {
  const family = program
    .command('schema')
    .description('Documents the data model, and checks that all sides agree on it.');
  family
    .command('docs')
    .description('Writes docs/SCHEMA.md from the models.')
    .action(async () => {
      process.stdout.write(`${await writeSchemaDocument()}\n`);
    });
  family
    .command('check')
    .description('Compares models, migrations and the live database; exits with 1 when they differ.')
    .option('--sample <n>', 'read so many documents of each collection, picked at random', positiveInteger, SAMPLE_SIZE)
    .addHelpText('after', CHECK_HELP)
    .action(check);
  family
    .command('diff')
    .description('Drafts the migration that brings the database to the models, with its way back.')
    .option(
      '--write [name]',
      'write it to migrations/, with the next number (default name: what changes)',
      migrationName,
    )
    .addHelpText('after', DIFF_HELP)
    .action(diffSchema);
}

const CHECK_HELP = `
Compares collections, indexes (key, uniqueness, TTL), validators and migrations applied, and looks for fields that no
model knows, and for models that no list names. The migrations are run in a scratch database on the same server, which
is dropped afterwards; the database itself is only read. "schema diff" drafts the migration that is missing.`;

async function check({ sample }: { sample: number }): Promise<void> {
  await withDatabase(
    ({ uri }) =>
      withMigrationClient(uri, async (client) => {
        const db = client.db();
        say(`Checking "${db.databaseName}"`);
        const inMigrations = await checkMigrations(client, db.databaseName);
        const inDatabase = await checkDatabase(db, sample);
        process.stdout.write(section('Models and migrations', inMigrations));
        process.stdout.write(section(`Models and database "${db.databaseName}"`, inDatabase));
        if (inMigrations.length + inDatabase.length > 0) process.exitCode = 1;
      }),
    { schema: 'any' },
  );
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length > 0) return `${title} differ:\n${lines.map((line) => `  ${line}\n`).join('')}`;
  const indexes = collections.reduce((sum, { indexDefinitions }) => sum + indexDefinitions.length, 0);
  return `${title} agree: ${collections.length} collections, ${indexes} indexes.\n`;
}
