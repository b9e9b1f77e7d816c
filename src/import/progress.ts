import { SingleBar } from 'cli-progress';
import type { Tally } from './import-users.ts';

/** Without a terminal, a line this often: a log should tell that it goes on, and no more. */
const LINE_EVERY_MS = 5_000;
const BAR = '{bar} {percentage} % · {text}';

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
  const textOf = (tally: Readonly<Tally>): string => describe(tally, (Date.now() - started) / 1000, totalBytes);
  return output.isTTY && totalBytes !== undefined ? bar(output, totalBytes, textOf) : lines(output, textOf);
}

type Describe = (tally: Readonly<Tally>) => string;

function bar(stream: Terminal, total: number, textOf: Describe): Progress {
  // Wrapping stays on: it is a setting of the terminal, and a killed import could not restore it.
  const single = new SingleBar({ stream, format: BAR, linewrap: true, barsize: 30 });
  single.start(total, 0, { text: 'reading' });
  return {
    update: (tally) => single.update(Math.min(tally.bytes, total), { text: textOf(tally) }),
    stop: () => single.stop(),
  };
}

function lines(output: Terminal, textOf: Describe): Progress {
  let last = Date.now();
  return {
    update: (tally) => {
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      output.write(`${textOf(tally)}\n`);
    },
    stop: () => {},
  };
}

function describe({ entries, bytes }: Readonly<Tally>, seconds: number, totalBytes: number | undefined): string {
  const rate = `${count(entries)} accounts, ${count(entries / Math.max(seconds, 0.001))}/s`;
  if (!totalBytes || bytes === 0) return rate;
  const left = (seconds * Math.max(totalBytes - bytes, 0)) / bytes;
  return `${rate}, ${Math.min(100, Math.floor((bytes / totalBytes) * 100))} % of the file, ${duration(left)} left`;
}

export const count = (value: number): string => Math.round(value).toLocaleString('en');

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
