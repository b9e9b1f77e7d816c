import type { Command } from 'commander';
import { exportAuditTrail } from './audit-export.ts';
import { reportAccess } from './audit-report.ts';
import { verifyTrail } from './audit-verify.ts';

export function register(program: Command): void {
  const family = program.command('audit').description('Verifies the audit trail, tells of it and takes it out.');
  family
    .command('verify')
    .description('Checks every sealed event, and every seal against the one before and the keyring.')
    .option('--head <number:hash>', 'a seal that was noted before and still has to be there')
    .option('--json', 'the result as JSON on the standard output')
    .addHelpText('after', VERIFY_HELP)
    .action(verifyTrail);
  family
    .command('report')
    .description('Tells who read how many people’s data, and what of it is out of the ordinary.')
    .option('--from <date>', 'first day, such as 2026-01-31 (default: 30 days ago)')
    .option('--to <date>', 'last day (default: today)')
    .option('--json', 'the report as JSON on the standard output')
    .addHelpText('after', REPORT_HELP)
    .action(reportAccess);
  family
    .command('export')
    .description('Writes sealed events as NDJSON, with the personal values in clear, for a SIEM.')
    .option('--from <time>', 'events from then on, such as 2026-01-31 or 2026-01-31T12:00:00Z')
    .option('--to <time>', 'events before then')
    .option('--after <seal>', 'only what was sealed after the seal of that number')
    .option(
      '--output <file>',
      'file to write, whole or not at all, readable by its owner alone (default: standard output)',
    )
    .addHelpText('after', EXPORT_HELP)
    .action(exportAuditTrail);
}

const VERIFY_HELP = `
It changes nothing, and may run while the service does. Found is an event that was edited, deleted, inserted or moved, a
seal that was, and personal values that are not those which were written. What was erased, and batches that expired in
time, are counted. The newest seal stands for all before it, but whoever has the database can remove it: note it where
they cannot reach (the log of the service has each one), and give it to the next run.

  bin/roster audit verify
  bin/roster audit verify --head 4711:q1Z0mX…

Exit status: 0 when nothing was found, 1 when something was, 2 when the command line cannot be used.`;

const REPORT_HELP = `
For each account, and for whoever operates the service: reads, different people, documents in lists and exports, denials
and the busiest hour. What is usual for an account is told by the 60 days before, too. Days are those of UTC.`;

const EXPORT_HELP = `
Events come seal by seal, which is not always the order of their times: so nothing is missed by who goes on behind the
last seal. The number to go on with is told at the end; after an interruption, go on with that of the last line, less one.

  bin/roster audit export --after 4711 >> audit.ndjson`;
