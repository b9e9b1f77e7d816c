import type { Command } from 'commander';
import { type Config, loadConfig } from '../config.ts';
import { transaction } from '../database.ts';
import { nameKeepingOf, passwordsOf } from '../dependencies.ts';
import { AppError, type InputProblem } from '../errors.ts';
import { openKeyring } from '../keyring-file.ts';
import { assertAcceptablePassword } from '../models/acceptable-password.ts';
import { OPERATOR } from '../models/audit-event.ts';
import { createUser } from '../models/user-account.ts';
import { makeAdmin } from '../models/user-admin.ts';
import { emailField, profileChange } from '../models/user-fields.ts';
import { CommandError, say, UsageError, withDatabase } from './context.ts';
import { askedPassword, pipedPassword } from './password-input.ts';

export function register(program: Command): void {
  const family = program.command('admin').description('Makes admins, who administer accounts by the API.');
  family
    .command('create')
    .description('Creates an account with the role admin, or gives the role to an account that exists.')
    .requiredOption('--email <address>', 'email of the account')
    .option('--first-name <name>', 'first name of a new account')
    .option('--last-name <name>', 'last name of a new account')
    .option('--password-stdin', 'read the password from the standard input; without it, it is asked for')
    .option('--promote', 'give the role to the account that exists; its password stays')
    .addHelpText('after', CREATE_HELP)
    .action(create);
}

const CREATE_HELP = `
The password obeys the policy of sign-up and is never an argument, where other users of the machine could read it.

  bin/roster admin create --email ada@example.com
  bin/roster admin create --email ada@example.com --password-stdin < password.txt
  bin/roster admin create --email ada@example.com --promote`;

interface CreateOptions {
  readonly email: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly passwordStdin?: true;
  readonly promote?: true;
}

async function create({ email: given, promote, passwordStdin, ...names }: CreateOptions): Promise<void> {
  const { email, problems: emailProblems } = emailField(given);
  const { set: profile, problems: nameProblems } = profileChange(names);
  refuse([...emailProblems, ...nameProblems]);
  if (promote) {
    if (passwordStdin || Object.keys(names).length > 0)
      throw new UsageError('--promote changes the role alone: leave out the password and the names.');
    return promoteAccount(email);
  }
  const config = loadConfig();
  const password = await passwordOf(passwordStdin);
  const candidate = { password, pointer: '/password', owner: { email, ...names } };
  const log = { warn: ({ err }: { err: unknown }, message: string) => say(`Warning: ${message} (${reason(err)})`) };
  await assertAcceptablePassword(candidate, { config, log }).catch((error: unknown) => {
    if (error instanceof AppError) refuse(error.errors ?? []);
    throw error;
  });
  return createAccount(config, { email, password, profile });
}

/** What a failed `fetch` says of itself is `fetch failed`. */
const reason = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
};

/** @throws {UsageError} with everything that is wrong, one line each */
function refuse(problems: readonly InputProblem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ pointer, detail }) => `  - ${pointer.slice(1)} ${detail}`);
  throw new UsageError(['No account was created:', ...lines].join('\n'));
}

function passwordOf(fromPipe: true | undefined): Promise<string> {
  const { stdin, stderr } = process;
  if (fromPipe && stdin.isTTY)
    throw new UsageError('--password-stdin reads a pipe or a file. Leave it out to type the password unseen.');
  if (fromPipe) return pipedPassword(stdin);
  if (stdin.isTTY) return askedPassword(stdin, stderr);
  throw new UsageError('There is no terminal to ask for the password: pass it in by --password-stdin.');
}

interface NewAdmin {
  readonly email: string;
  readonly password: string;
  readonly profile: Record<string, unknown>;
}

async function createAccount(config: Config, { email, password, profile }: NewAdmin): Promise<void> {
  const passwordHash = await passwordsOf(config).hash(password);
  await withDatabase(async () => {
    const names = nameKeepingOf(config, openKeyring(config));
    const user = await transaction((tx) =>
      createUser(tx, OPERATOR, names, { email, passwordHash, profile, roles: ['user', 'admin'] }),
    ).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'email-taken')
        throw new CommandError(`${email} has an account. To make it an admin, add --promote.`);
      throw error;
    });
    process.stdout.write(`Created the admin ${email} (id ${user._id.toHexString()}).\n`);
  });
}

async function promoteAccount(email: string): Promise<void> {
  await withDatabase(async () => {
    const { user, changed } = await transaction((tx) => makeAdmin(tx, OPERATOR, email)).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'not-found')
        throw new CommandError(`${email} has no account. To create it, leave out --promote.`);
      if (error instanceof AppError && error.code === 'invalid-status')
        throw new CommandError(`${email} was not made an admin: it could not sign in. ${error.message}`);
      throw error;
    });
    const id = user._id.toHexString();
    process.stdout.write(
      changed ? `Made ${email} an admin (id ${id}).\n` : `${email} is an admin already (id ${id}).\n`,
    );
  });
}
