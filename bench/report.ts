import { cpus, totalmem } from 'node:os';
import type { Captured } from './capture.ts';
import { type Measurement, median } from './measure.ts';
import type { Operation } from './operations.ts';
import type { Target } from './targets.ts';

export interface Report {
  readonly engine: string;
  readonly commands: Captured['commands'];
  readonly measurements: readonly Measurement[];
  readonly targets: readonly Target[];
}

const machine = (): string => {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
};

/** The figures that the table shows, for programs. */
export const reportJson = (report: Report): string =>
  `${JSON.stringify({ machine: machine(), ...report, measurements: report.measurements.map(figures) }, undefined, 2)}\n`;

function figures({ name, accounts, connections, rounds, p50, p99 }: Measurement) {
  const cpu = rounds.flatMap(({ cpuMs }) => cpuMs ?? []);
  const perSecond = median(rounds.map((round) => round.perSecond));
  return { name, accounts, connections, perSecond, p50, p99, cpuMs: cpu.length > 0 ? median(cpu) : undefined };
}

export function reportText({ engine, commands, measurements, targets }: Report): string {
  const connections = [...new Set(measurements.map((one) => one.connections))];
  return [
    `${machine()}, ${engine}`,
    ...connections.flatMap((count) => [
      '',
      ...block(
        count,
        measurements.filter((one) => one.connections === count),
      ),
    ]),
    '',
    'Database commands',
    ...(Object.entries(commands) as [Operation, readonly string[]][]).map(
      ([operation, names]) => `  ${operation.padEnd(14)}${String(names.length).padStart(3)}  ${names.join(', ')}`,
    ),
    '',
    'Targets',
    ...targets.map(targetLine),
    '',
  ].join('\n');
}

const NUMBER = 10;

function block(connections: number, measurements: readonly Measurement[]): string[] {
  const width = Math.max(...measurements.map(({ name }) => name.length)) + 2;
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(NUMBER)).join('')}`;
  return [
    connections === 1 ? 'One connection' : `${connections} connections`,
    row('', ['accounts', 'req/s', 'p50 ms', 'p99 ms', 'CPU ms']),
    ...measurements
      .map(figures)
      .map(({ name, accounts, perSecond, p50, p99, cpuMs }) =>
        row(name, [
          String(accounts ?? ''),
          perSecond.toFixed(perSecond < 100 ? 1 : 0),
          ...[p50, p99].map((ms) => ms.toFixed(ms < 100 ? 1 : 0)),
          cpuMs === undefined ? '–' : cpuMs.toFixed(2),
        ]),
      ),
  ];
}

function targetLine({ what, accounts, connections, atLeast, ratio }: Target): string {
  const verdict = ratio >= atLeast ? 'pass' : 'MISS';
  const where = `${accounts} accounts, ${connections} in flight`;
  return `  ${verdict}  ${ratio.toFixed(2)} (at least ${atLeast})  ${what}, ${where}`;
}
