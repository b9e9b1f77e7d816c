import type { Tally } from '../import/import-users.ts';
import type { MappingRow } from '../import/mapping.ts';
import { count } from '../progress.ts';

export interface ImportSummary extends Omit<Tally, 'bytes'> {
  readonly file: string;
  readonly dryRun: boolean;
  readonly seconds: number;
  /** The file that tells what was refused; null when nothing was. */
  readonly report: string | null;
  /** What became of the fields of a format that is not ours. */
  readonly mapping?: readonly MappingRow[];
}

export function summaryText(summary: ImportSummary): string {
  const { dryRun, entries, imported, skipped, refused, seconds, report, mapping = [] } = summary;
  const rate = count(entries / Math.max(seconds, 0.001));
  const lines = [
    `${dryRun ? 'Would import' : 'Imported'} ${count(imported)} of ${count(entries)} accounts (${seconds.toFixed(1)} s, ${rate}/s).`,
    `Skipped ${count(skipped)} whose email has an account already.`,
    `Refused ${count(refused)}${report === null ? '' : `; ${report} tells why`}.`,
    ...(mapping.length > 0 ? ['', 'Fields, and in how many accounts:', ...mappingLines(mapping)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function mappingLines(rows: readonly MappingRow[]): string[] {
  const columns = rows.map(({ from, to, accounts, reason }) => [
    count(accounts),
    printable(from),
    to === null ? 'left out' : `→ ${printable(to)}`,
    reason === null ? '' : `(${printable(reason)})`,
  ]);
  const width = (index: number): number => Math.max(...columns.map((cells) => (cells[index] ?? '').length));
  const [counts, names, targets] = [width(0), width(1), width(2)];
  return columns.map(([accounts = '', from = '', target = '', reason = '']) =>
    `${accounts.padStart(counts)}  ${from.padEnd(names)}  ${target.padEnd(targets)}  ${reason}`.trimEnd(),
  );
}

/** Names of fields come from the file: none may reach the terminal as a command, or push the others aside. */
function printable(text: string): string {
  const plain = text.replace(/[\p{C}\s]+/gu, ' ');
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain;
}
