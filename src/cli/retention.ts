import type { Command } from 'commander';
import { openKeyring } from '../keyring-file.ts';
import { applyPeriods } from '../models/changed-periods.ts';
import { retentionRules } from '../retention/rules.ts';
import { countDue, runRetention } from '../retention/run.ts';
import { say, withDatabase } from './context.ts';

export function register(program: Command): void {
  const family = program
    .command('retention')
    .description('Ends what is kept no longer, by the periods of the configuration.');
  family
    .command('run')
    .description('Does now what the job "retention" does hourly, and reports how much each rule did.')
    .option('--dry-run', 'count what is due; change nothing')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', RUN_HELP)
    .action(run);
  family
    .command('apply')
    .description('Gives what is there already the end that it has by the periods as they are now.')
    .option('--dry-run', 'count what would change; change nothing')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', APPLY_HELP)
    .action(apply);
}

const RUN_HELP = `
Rules that a TTL index serves are done by the database itself. It is safe beside the job, and to be interrupted: an
account that was not purged to its end is gone on with. GET /v1/admin/retention lists all rules.

  bin/roster retention run --dry-run
  DORMANCY_MONTHS=24 bin/roster retention run --dry-run    # what a period would mean, before it is set`;

const APPLY_HELP = `
A period is written into documents when they are made, so a changed one counts for new ones alone until this is run. It
goes in batches while the service runs, and touches no index. What is due already stays due.

  DELETED_USER_RETENTION_DAYS=90 bin/roster retention apply --dry-run`;

interface Options {
  readonly dryRun?: true;
  readonly json?: true;
}

function print(counts: Readonly<Record<string, number>>, { json }: Options): void {
  if (json) process.stdout.write(`${JSON.stringify(counts)}\n`);
  else
    for (const [rule, count] of Object.entries(counts))
      process.stdout.write(`${rule.padEnd(22)}${String(count).padStart(8)}\n`);
}

async function run(options: Options): Promise<void> {
  await withDatabase(async ({ config }) => {
    const rules = retentionRules(config, openKeyring(config));
    if (options.dryRun) say('What is due:');
    print(options.dryRun ? await countDue(rules) : await runRetention(rules, new AbortController().signal), options);
  });
}

async function apply(options: Options): Promise<void> {
  await withDatabase(async ({ config }) => {
    if (options.dryRun) say('What would have another end:');
    print(await applyPeriods(config, { dryRun: options.dryRun ?? false }), options);
  });
}
