/**
 * Writes example accounts, as `bin/roster import users` reads them, to the standard output:
 *
 *   node --import tsx examples/make-accounts.ts [--count 100000] [--csv] > accounts.ndjson
 *
 * The people are the same each time. Those with a password all have EXAMPLE_PASSWORD of hashes.ts; the first one is
 * maria.jose@example.com.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { stringify } from 'csv-stringify/sync';
import { type ExampleAccount, examplePeople } from './people.ts';

const COLUMNS = [
  'email',
  'passwordHash',
  'firstName',
  'lastName',
  'avatarUrl',
  'emailVerified',
  'status',
  'roles',
  'metadata',
  'createdAt',
] as const satisfies readonly (keyof ExampleAccount)[];

const USAGE = 'Usage: node --import tsx examples/make-accounts.ts [--count 100000] [--csv]\n';

/** Lines handed to the system at once. */
const BLOCK = 500;

function options(): { count: number; csv: boolean } {
  try {
    const { values } = parseArgs({
      options: { count: { type: 'string', default: '100000' }, csv: { type: 'boolean', default: false } },
    });
    if (/^[1-9]\d{0,8}$/.test(values.count)) return { count: Number(values.count), csv: values.csv };
    process.stderr.write('--count must be a whole number from 1 up.\n');
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
  }
  process.stderr.write(USAGE);
  process.exit(2);
}

function cell(account: ExampleAccount, column: (typeof COLUMNS)[number]): string {
  const value = account[column] ?? '';
  if (column === 'roles') return account.roles.join(';');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const { count, csv } = options();
const lineOf = (account: ExampleAccount): string =>
  csv ? stringify([COLUMNS.map((column) => cell(account, column))]) : `${JSON.stringify(account)}\n`;

let block = csv ? stringify([[...COLUMNS]]) : '';
let lines = 0;
for (const account of examplePeople(count)) {
  block += lineOf(account);
  if (++lines % BLOCK !== 0) continue;
  if (!process.stdout.write(block)) await once(process.stdout, 'drain');
  block = '';
}
process.stdout.write(block);
