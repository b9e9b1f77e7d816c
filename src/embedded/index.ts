import type { Config } from '../config.ts';
import { DatabaseUnavailableError } from './errors.ts';
import { openDatabase } from './open.ts';
import type { Say } from './say.ts';

export { DatabaseUnavailableError } from './errors.ts';

export interface ProvidedDatabase {
  uri: string;
  /** Resolves with the reason when a database that was started here ends although it is still in use. */
  lost: Promise<string>;
  /** Leaves it; a database that was started here stops with its last user. */
  stop(): Promise<void>;
}

/**
 * The database that the configuration stands for: the one it names, else the one that comes along.
 * @throws {DatabaseUnavailableError} saying what to do; in production always when none is named
 */
export async function provideDatabase(
  config: Pick<Config, 'MONGODB_URI' | 'DATA_DIRECTORY' | 'NODE_ENV'>,
  say: Say,
): Promise<ProvidedDatabase> {
  if (config.MONGODB_URI !== undefined) {
    say('Database: the one that MONGODB_URI names');
    return { uri: config.MONGODB_URI, lost: new Promise(() => {}), stop: async () => {} };
  }
  if (config.NODE_ENV === 'production')
    throw new DatabaseUnavailableError('Production starts no database of its own: set MONGODB_URI.');
  return openDatabase({ dataDirectory: config.DATA_DIRECTORY, say });
}
