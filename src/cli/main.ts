import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { DatabaseUnavailableError } from '../embedded/index.ts';
import { AppError } from '../errors.ts';
import { KeyringError } from '../lib/keyring.ts';
import { register as admin } from './admin.ts';
import { CommandError, say, UsageError } from './context.ts';
import { register as docs } from './docs.ts';
import { register as explainFamily } from './explain.ts';
import { register as exportFamily } from './export.ts';
import { register as importFamily } from './import.ts';
import { register as keys } from './keys.ts';
import { register as migrate } from './migrate.ts';
import { register as passwords } from './passwords.ts';
import { register as schema } from './schema.ts';

/** Each family of commands registers itself on the program. */
const families: readonly ((program: Command) => void)[] = [
  admin,
  importFamily,
  exportFamily,
  keys,
  passwords,
  migrate,
  schema,
  explainFamily,
  docs,
];

const program = new Command('bin/roster')
  .description('Operates Roster, the user-account service. Works on the database that the service uses.')
  .showHelpAfterError()
  .showSuggestionAfterError()
  // Inherited by every command: 2 is for what was typed, 1 for what went wrong.
  .exitOverride()
  .addHelpText(
    'after',
    `
Configuration comes from the same environment as the service's (docs/configuration.md). Without MONGODB_URI a command
joins the database that "npm start" runs, or starts it for its own duration.`,
  );
for (const register of families) register(program);

/** A reader that has seen enough (| head) is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** What a person can act on is told to them; anything else is a bug, and its stack is what helps. */
function explain(error: unknown): string {
  const expected = [CommandError, ConfigError, DatabaseUnavailableError, KeyringError, AppError];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said it already; asking for help is no error.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    say(explain(error));
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
