import type { Command } from 'commander';
import { generateKeyringSpec } from '../lib/keyring.ts';
import { retireSigningKey } from './keys-retire.ts';
import { rotateKeyring } from './keys-rotate.ts';

export function register(program: Command): void {
  const family = program
    .command('keys')
    .description('Makes and changes the keys of the service: those of KEYRING, and those that sign access tokens.');
  family
    .command('generate')
    .description('Prints a new keyring with one random key, for the variable KEYRING.')
    .addHelpText('after', GENERATE_HELP)
    .action(() => {
      process.stdout.write(`${generateKeyringSpec()}\n`);
    });
  family
    .command('rotate')
    .description(
      'Encrypts with the first key of KEYRING what another key encrypted, and names where ENCRYPT_NAMES is set; tells which keys may be dropped.',
    )
    .option('--dry-run', 'count what each key encrypted, and open all of it; change nothing')
    .option('--open-names', 'bring names that are encrypted back into clear, where ENCRYPT_NAMES is not set any more')
    .addHelpText('after', ROTATE_HELP)
    .action(rotateKeyring);
  family
    .command('retire-signing-key')
    .description('Ends the trust in a key that signs access tokens, when foreign hands may hold it.')
    .argument('[kid]', "id of the key, as in the header of a token and in the service's /.well-known/jwks.json")
    .option('--all', 'all of them: when the keyring leaked together with a copy of the database')
    .option('--reason <text>', 'why, for the audit trail')
    .addHelpText('after', RETIRE_HELP)
    .action(retireSigningKey);
}

const GENERATE_HELP = `
Keep it where secrets are kept, apart from the database and its backups: whoever has both can read what is encrypted,
and without it nobody can. To rotate, put the new key behind the old one, separated by a comma, and restart all
instances; then in front of it, and restart them again; then run "keys rotate". The first one writes, all of them read.

  KEYRING=$(bin/roster keys generate)
  KEYRING=$KEYRING,$(bin/roster keys generate)`;

const ROTATE_HELP = `
Run it with the KEYRING and the ENCRYPT_NAMES of the service, once all instances have the new key in front. It goes over
all encrypted fields (docs/security.md lists them) while the service runs: a value is replaced only if nobody has changed
it meanwhile. To go on after an interruption, run it again: what is done already is only counted. In the end it opens
every value once more. With ENCRYPT_NAMES it encrypts the names that are in clear; no key has to change for that. Without
it, names that are encrypted stay so unless --open-names is given.

Exit status: 0 when everything opens and, unless it was a dry run, is encrypted with the first key, and so is every name
where ENCRYPT_NAMES is set; 1 when not: what does not open is named by collection, document, field and key, never shown;
2 when the command line cannot be used.`;

const RETIRE_HELP = `
If it is the one that signs, a new one signs at once, and one that waits for its time goes with it. Instances of the
service refuse tokens of a retired key within a minute, whatever was verified before; other services once their copy of
the key set is older than ten minutes, or when they are restarted. Nobody is signed out: clients refresh.

  bin/roster keys retire-signing-key --reason 'seen in a log' -- <kid>    # -- for a kid that begins with a hyphen
  bin/roster keys retire-signing-key --all`;
