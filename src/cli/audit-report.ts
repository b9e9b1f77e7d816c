import { type Access, type ActorPattern, accessPatterns, RULES } from '../audit/patterns.ts';
import { type AuditEventRecord, OPERATOR, recordAuditEvent } from '../models/audit-event.ts';
import { accessEvents } from '../models/audit-walk.ts';
import { count } from '../progress.ts';
import { UsageError, withDatabase } from './context.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** So much before the period tells what is usual. */
const HISTORY_DAYS = 60;

interface ReportOptions {
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
}

export async function reportAccess({ from: first, to: last, json }: ReportOptions): Promise<void> {
  const today = new Date().toISOString().slice(0, 10);
  const to = new Date(dayOf(last ?? today, '--to').getTime() + DAY_MS);
  const from = first === undefined ? new Date(to.getTime() - DEFAULT_DAYS * DAY_MS) : dayOf(first, '--from');
  if (from >= to) throw new UsageError('--from is after --to.');
  await withDatabase(async () => {
    const read = { action: 'audit.read', target: { collection: 'audit_events' } } as const;
    await recordAuditEvent(undefined, OPERATOR, read);
    const actors = await accessPatterns(accesses(new Date(from.getTime() - HISTORY_DAYS * DAY_MS), to), from);
    const report = { from: from.toISOString(), to: to.toISOString(), actors };
    process.stdout.write(`${json ? JSON.stringify(report) : textOf(actors)}\n`);
  });
}

function dayOf(text: string, option: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(day.getTime()))
    throw new UsageError(`${option} takes a day, such as 2026-01-31.`);
  return day;
}

async function* accesses(from: Date, to: Date): AsyncGenerator<Access> {
  for await (const event of accessEvents(from, to)) {
    const { actor, target, at } = event;
    // Denials of nobody in particular are about the service, not about an actor.
    if (actor.type === 'anonymous') continue;
    yield {
      actor: actor.id ? String(actor.id) : actor.type,
      at,
      denied: event.outcome === 'denied',
      person: personOf(target),
      count: event.count ?? undefined,
    };
  }
}

const personOf = ({ collection, id }: AuditEventRecord['target']): string | undefined =>
  collection === 'users' && id ? String(id) : undefined;

function textOf(actors: readonly ActorPattern[]): string {
  if (actors.length === 0) return 'Nobody read anything about others.';
  const rows = [
    ['actor', 'reads', 'people', 'listed', 'denials', 'busiest hour'],
    ...actors.map(({ actor, reads, people, listed, denials, busiestHour }) => [
      actor,
      ...[reads, people, listed, denials].map(count),
      busiestHour ? `${busiestHour.from.slice(0, 16)}Z (${count(busiestHour.reads)})` : '–',
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  return [...lines, '', ...unusualLines(actors)].join('\n');
}

function unusualLines(actors: readonly ActorPattern[]): string[] {
  const found = actors.flatMap(({ actor, unusual }) => unusual.map((each) => ({ actor, ...each })));
  if (found.length === 0) return ['Nothing is out of the ordinary.'];
  return [
    'Out of the ordinary:',
    ...found.map(
      ({ actor, rule, day, counted, usual }) =>
        `  ${day}  ${actor}  ${rule}: ${count(counted)}${usual === undefined ? '' : `, else ${count(usual)}`} (${RULES[rule]})`,
    ),
  ];
}
