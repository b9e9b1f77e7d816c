import type { Connection } from 'mongoose';
import { type Config, loadConfig } from '../config.ts';
import { connect, disconnect } from '../database.ts';
import { provideDatabase } from '../embedded/index.ts';
import type { Say } from '../embedded/say.ts';
import { applyMigrations, pendingMigrations } from '../migrations.ts';

/** What an operator did wrong, or what stops a command: shown as it stands, without a stack. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** The command line, or a file that it names, cannot be used: nothing was begun. Ends the command with 2, not 1. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
}

/** For people. stdout is for data, so that a command can be part of a pipe. */
export const say: Say = (line) => {
  process.stderr.write(`${line}\n`);
};

export interface CommandContext {
  config: Config;
  uri: string;
  /** mongoose's default connection, which the models are compiled on. */
  connection: Connection;
}

export interface ContextOptions {
  /**
   * `current`: migrations that are pending are applied, or, in production, stop the command.
   * `any`: for commands that are about the migrations themselves.
   */
  schema?: 'current' | 'any';
}

/**
 * Runs a command on the database that the service uses: the one that MONGODB_URI names, the embedded one that runs
 * already, or, for the time of the command, the embedded one that it starts.
 * @throws {CommandError} when migrations are pending in production
 */
export async function withDatabase<T>(
  work: (context: CommandContext) => Promise<T>,
  { schema = 'current' }: ContextOptions = {},
): Promise<T> {
  const config = loadConfig();
  const database = await provideDatabase(config, say);
  try {
    const connection = await connect(database.uri, config);
    if (schema === 'current') await bringUpToDate(config, database.uri, connection);
    const lost = database.lost.then((reason) => {
      throw new CommandError(`The database ended: ${reason}`);
    });
    return await Promise.race([work({ config, uri: database.uri, connection }), lost]);
  } finally {
    await disconnect();
    await database.stop();
  }
}

async function bringUpToDate(config: Config, uri: string, connection: Connection): Promise<void> {
  const pending = await pendingMigrations(connection);
  if (pending.length === 0) return;
  if (config.NODE_ENV === 'production')
    throw new CommandError(`Migrations are pending (${pending.join(', ')}). Run "npx migrate-mongo up" first.`);
  await applyMigrations(uri, say);
}
