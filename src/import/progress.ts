import { SingleBar } from 'cli-progress';
import type { Tally } from './import-users.ts';

/** Without a terminal, a line this often: a log should tell that it goes on, and no more. */
const LINE_EVERY_MS = 5_000;
const BAR = '{bar} {percentage} % · {rate}, {left} left';

export interface Progress {
  update(tally: Readonly<Tally>): void;
  stop(): void;
}

interface Terminal extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/**
 * Tells how an import goes: a bar on a terminal, else a line every few seconds.
 * @param totalBytes of the file; undefined for a pipe, whose end nobody knows
 */
export function showProgress(output: Terminal, totalBytes: number | undefined): Progress {
  const started = Date.now();
  const measure = (tally: Readonly<Tally>): Measured => measured(tally, (Date.now() - started) / 1000, totalBytes);
  return output.isTTY && totalBytes !== undefined ? bar(output, totalBytes, measure) : lines(output, measure);
}

interface Measured {
  readonly rate: string;
  /** Only where the end is known. */
  readonly left?: string;
  readonly percent?: number;
}

type Measure = (tally: Readonly<Tally>) => Measured;

function bar(stream: Terminal, total: number, measure: Measure): Progress {
  // Wrapping stays on: it is a setting of the terminal, and a killed import could not restore it.
  const single = new SingleBar({ stream, format: BAR, linewrap: true, barsize: 20 });
  single.start(total, 0, { rate: 'reading', left: '?' });
  return {
    update: (tally) => single.update(Math.min(tally.bytes, total), measure(tally)),
    stop: () => single.stop(),
  };
}

function lines(output: Terminal, measure: Measure): Progress {
  let last = Date.now();
  return {
    update: (tally) => {
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      const { rate, percent, left } = measure(tally);
      output.write(left === undefined ? `${rate}\n` : `${rate}, ${percent} % of the file, ${left} left\n`);
    },
    stop: () => {},
  };
}

function measured({ entries, bytes }: Readonly<Tally>, seconds: number, totalBytes: number | undefined): Measured {
  const rate = `${count(entries)} accounts, ${count(entries / Math.max(seconds, 0.001))}/s`;
  if (!totalBytes || bytes === 0) return { rate };
  const left = (seconds * Math.max(totalBytes - bytes, 0)) / bytes;
  return { rate, left: duration(left), percent: Math.min(100, Math.floor((bytes / totalBytes) * 100)) };
}

export const count = (value: number): string => Math.round(value).toLocaleString('en');

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
