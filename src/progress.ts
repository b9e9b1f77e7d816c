import { SingleBar } from 'cli-progress';

/** Without a terminal, a line this often: a log should tell that it goes on, and no more. */
const LINE_EVERY_MS = 5_000;
const BAR = '{bar} {percentage} % · {rate}, {left} left';

export interface Progress<S> {
  update(state: S): void;
  stop(): void;
}

export interface Terminal extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** A long piece of work, as its progress is told. */
interface Work<S> {
  /** How much of it there is; undefined where nobody knows. */
  readonly total: number | undefined;
  /** What that is the size of, such as `the file`. */
  readonly whole: string;
  /** How much of it is done. */
  readonly done: (state: S) => number;
  /** What is counted on the way, such as `accounts`. */
  readonly unit: string;
  readonly counted: (state: S) => number;
}

/** Tells how a piece of work goes: a bar on a terminal, else a line every few seconds. */
export function showProgress<S>(output: Terminal, work: Work<S>): Progress<S> {
  const started = Date.now();
  const measure = (state: S): Measured => measured(work, state, (Date.now() - started) / 1000);
  return output.isTTY && work.total !== undefined
    ? bar(output, work.total, work.done, measure)
    : lines(output, work.whole, measure);
}

interface Measured {
  readonly rate: string;
  /** Only where the end is known. */
  readonly left?: string;
  readonly percent?: number;
}

type Measure<S> = (state: S) => Measured;

function bar<S>(stream: Terminal, total: number, done: (state: S) => number, measure: Measure<S>): Progress<S> {
  // Wrapping stays on: it is a setting of the terminal, and a killed command could not restore it.
  const single = new SingleBar({ stream, format: BAR, linewrap: true, barsize: 20 });
  single.start(total, 0, { rate: 'reading', left: '?' });
  return {
    update: (state) => single.update(Math.min(done(state), total), measure(state)),
    stop: () => single.stop(),
  };
}

function lines<S>(output: Terminal, whole: string, measure: Measure<S>): Progress<S> {
  let last = Date.now();
  return {
    update: (state) => {
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      const { rate, percent, left } = measure(state);
      output.write(left === undefined ? `${rate}\n` : `${rate}, ${percent} % of ${whole}, ${left} left\n`);
    },
    stop: () => {},
  };
}

function measured<S>(work: Work<S>, state: S, seconds: number): Measured {
  const [counted, done] = [work.counted(state), work.done(state)];
  const rate = `${count(counted)} ${work.unit}, ${count(counted / Math.max(seconds, 0.001))}/s`;
  if (!work.total || done === 0) return { rate };
  const left = (seconds * Math.max(work.total - done, 0)) / done;
  return { rate, left: duration(left), percent: Math.min(100, Math.floor((done / work.total) * 100)) };
}

export const count = (value: number): string => Math.round(value).toLocaleString('en');

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
