import { defaultOf } from '../migration-draft/defaults.ts';
import { type Draft, draftMigration } from '../migration-draft/draft.ts';
import { DraftError } from '../migration-draft/literal.ts';
import { MIGRATIONS_DIRECTORY, withMigrationClient } from '../migrations.ts';
import { unlistedModels } from '../schema-check/models.ts';
import { expectedShape, shapeOfMigrations } from '../schema-check/shape.ts';
import { CommandError, say, withDatabase } from './context.ts';
import { createMigration } from './migrate.ts';

export const DIFF_HELP = `
Compares the models with what the migrations make in a scratch database on the same server, which is dropped afterwards.
No live database is compared: the migrations bring it along, and "schema check" finds where it strayed. Without --write
the draft is printed; exits with 1 when there is one that was not written.`;

/** @param write true, or the name that the migration shall have */
export async function diffSchema({ write }: { write?: string | true }): Promise<void> {
  const draft = await draftOfModels();
  if (draft === undefined) {
    say('Nothing to do: the migrations make what the models want.');
  } else if (write === undefined) {
    process.stdout.write(draft.text);
    process.exitCode = 1;
  } else {
    process.stdout.write(
      `${await createMigration(write === true ? draft.name : write, MIGRATIONS_DIRECTORY, draft.text)}\n`,
    );
    say(
      'Say why in its first lines, try it with "npm run migrate:rehearse", and renew the documents with "npm run docs".',
    );
  }
}

/** @throws {CommandError} when a model is compared with nothing, or a decision is for a person to make */
async function draftOfModels(): Promise<Draft | undefined> {
  const unlisted = await unlistedModels();
  if (unlisted.length > 0)
    throw new CommandError(`${unlisted.join('\n')}\nList it first: what is not listed has no migration.`);
  return withDatabase(
    ({ uri }) =>
      withMigrationClient(uri, async (client) => {
        const made = await shapeOfMigrations(client, client.db().databaseName);
        try {
          return draftMigration(made, expectedShape(), defaultOf);
        } catch (error) {
          throw error instanceof DraftError ? new CommandError(error.message) : error;
        }
      }),
    { schema: 'any' },
  );
}
