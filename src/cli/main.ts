import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { DatabaseUnavailableError } from '../embedded/errors.ts';
import { AppError } from '../errors.ts';
import { KeyringError } from '../lib/keyring.ts';
import { UnfinishedRestoreError } from '../migration-lock.ts';
import { CommandError, say, UsageError } from './context.ts';

/** Each family of commands registers itself on the program. Loading one takes longer than most of its commands do. */
const FAMILIES = {
  admin: () => import('./admin.ts'),
  import: () => import('./import.ts'),
  export: () => import('./export.ts'),
  backup: () => import('./backup.ts'),
  restore: () => import('./restore.ts'),
  audit: () => import('./audit.ts'),
  keys: () => import('./keys.ts'),
  passwords: () => import('./passwords.ts'),
  migrate: () => import('./migrate.ts'),
  retention: () => import('./retention.ts'),
  schema: () => import('./schema.ts'),
  explain: () => import('./explain.ts'),
  docs: () => import('./docs.ts'),
  new: () => import('./new.ts'),
};

const isFamily = (word: string | undefined): word is keyof typeof FAMILIES =>
  word !== undefined && Object.hasOwn(FAMILIES, word);

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

const [, , asked] = process.argv;
const loaded = isFamily(asked) ? [FAMILIES[asked]] : Object.values(FAMILIES);
for (const { register } of await Promise.all(loaded.map((load) => load()))) register(program);

/** A reader that has seen enough (| head) is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** What a person can act on is told to them; anything else is a bug, and its stack is what helps. */
function explain(error: unknown): string {
  const expected = [
    CommandError,
    ConfigError,
    DatabaseUnavailableError,
    KeyringError,
    UnfinishedRestoreError,
    AppError,
  ];
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
