import { cpus, totalmem } from 'node:os';
import type { Captured } from './capture.ts';
import type { Measurement } from './measure.ts';
import type { Operation } from './operations.ts';
import type { Overload } from './overload.ts';
import { median } from './statistics.ts';
import type { Timing } from './timing.ts';

/** What the service is held to, with what was measured. */
export interface Target {
  readonly what: string;
  readonly limit: number;
  /** The limit is the most that it may be, not the least. */
  readonly atMost?: true;
  readonly value: number;
}

export interface Report {
  readonly engine: string;
  readonly commands: Captured['commands'];
  readonly measurements: readonly Measurement[];
  readonly timings: readonly Timing[];
  readonly overload: Overload | undefined;
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

export function reportText({ engine, commands, measurements, timings, overload, targets }: Report): string {
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
    ...(timings.length > 0 ? ['', 'Known and unknown emails', ...timings.map(timingLine)] : []),
    ...(overload ? ['', 'Overload', ...overloadLines(overload)] : []),
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

const timingLine = ({ endpoint, pairs, knownMs, unknownMs, distinguishability }: Timing): string =>
  `  ${endpoint.padEnd(30)} ${pairs} pairs, median ${knownMs.toFixed(2)} ms known, ${unknownMs.toFixed(2)} ms unknown, AUC ${distinguishability.toFixed(3)}`;

const overloadLines = (overload: Overload): string[] => [
  `  sign-ins a second: ${overload.signInsOffered.toFixed(0)} offered, ${overload.signInsDone.toFixed(0)} done, ${overload.signInsRefused.toFixed(0)} refused`,
  `  reading oneself meanwhile: ${overload.reads.toFixed(0)} a second, p50 ${overload.readP50.toFixed(1)} ms, p99 ${overload.readP99.toFixed(1)} ms`,
];

function targetLine({ what, limit, atMost, value }: Target): string {
  const met = atMost ? value <= limit : value >= limit;
  return `  ${met ? 'pass' : 'MISS'}  ${value.toFixed(2)} (at ${atMost ? 'most' : 'least'} ${limit})  ${what}`;
}
