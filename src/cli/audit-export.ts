import { auditEventView } from '../audit/views.ts';
import { openKeyring } from '../keyring-file.ts';
import type { Keyring } from '../lib/keyring.ts';
import { OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import { newestSeal } from '../models/audit-seal.ts';
import { sealedEvents } from '../models/audit-walk.ts';
import { count } from '../progress.ts';
import { say, UsageError, withDatabase } from './context.ts';
import { writeLines } from './output.ts';

interface ExportOptions {
  readonly from?: string;
  readonly to?: string;
  readonly after?: string;
  readonly output?: string;
}

export async function exportAuditTrail({ from, to, after = '0', output }: ExportOptions): Promise<void> {
  if (!/^\d{1,15}$/.test(after)) throw new UsageError('--after takes the number of a seal.');
  const period = {
    ...(from !== undefined && { from: timeOf(from, '--from') }),
    ...(to !== undefined && { to: timeOf(to, '--to') }),
  };
  await withDatabase(async ({ config }) => {
    const keyring = openKeyring(config);
    const known = (await newestSeal())?._id ?? 0;
    if (Number(after) > known) throw new UsageError(`There is no seal ${after} yet: the newest is ${known}.`);
    const exported = { action: 'audit.exported', target: { collection: 'audit_events' } } as const;
    await recordAuditEvent(undefined, OPERATOR, exported);
    const written = { events: 0, seal: Number(after) };
    await writeLines(output, exportLines(keyring, period, written));
    say(`Exported ${count(written.events)} events. Go on with --after ${written.seal}`);
  });
}

function timeOf(text: string, option: string): Date {
  const time = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(text) || Number.isNaN(time.getTime()))
    throw new UsageError(`${option} takes a time in UTC, such as 2026-01-31 or 2026-01-31T12:00:00Z.`);
  return time;
}

/** JSON escapes line breaks: whatever an agent calls itself, an event is one line. */
async function* exportLines(
  keyring: Keyring,
  period: { from?: Date; to?: Date },
  written: { events: number; seal: number },
): AsyncGenerator<string> {
  for await (const { seal, events } of sealedEvents(written.seal, period)) {
    for (const event of events) {
      yield `${JSON.stringify(auditEventView(keyring, event))}\n`;
      written.events += 1;
    }
    written.seal = seal;
  }
}
