import type { Command } from 'commander';
import { generateKeyringSpec } from '../lib/keyring.ts';

export function register(program: Command): void {
  const family = program.command('keys').description('Makes keys for the keyring of the service.');
  family
    .command('generate')
    .description('Prints a new keyring with one random key, for the variable KEYRING.')
    .addHelpText('after', GENERATE_HELP)
    .action(() => {
      process.stdout.write(`${generateKeyringSpec()}\n`);
    });
}

const GENERATE_HELP = `
Keep it where secrets are kept, apart from the database and its backups: whoever has both can read what is encrypted,
and without it nobody can. To rotate, put the new key in front of the old ones, separated by a comma: the first one
writes, all of them read.

  KEYRING=$(bin/roster keys generate)
  KEYRING=$(bin/roster keys generate),$KEYRING`;
