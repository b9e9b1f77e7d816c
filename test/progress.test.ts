import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { showProgress } from '../src/progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function written(totalBytes: number | undefined, output = new PassThrough({ encoding: 'utf8' })): string {
  const progress = showProgress<{ entries: number; bytes: number }>(output, {
    total: totalBytes,
    whole: 'the file',
    done: ({ bytes }) => bytes,
    unit: 'accounts',
    counted: ({ entries }) => entries,
  });
  for (let second = 1; second <= 10; second++) {
    vi.advanceTimersByTime(1_000);
    progress.update({ entries: second * 2_000, bytes: second * 100 });
  }
  progress.stop();
  return String(output.read());
}

it('is a line every few seconds where there is no terminal', () => {
  expect(written(13_000)).toBe(
    '10,000 accounts, 2,000/s, 3 % of the file, 2 min 5 s left\n20,000 accounts, 2,000/s, 7 % of the file, 2 min 0 s left\n',
  );
});

it('promises no end where nobody knows it', () => {
  expect(written(undefined)).toBe('10,000 accounts, 2,000/s\n20,000 accounts, 2,000/s\n');
});

it('is a bar on a terminal, of which the last state stays', () => {
  const terminal = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 80 });
  const shown = written(1_000, terminal);
  expect(shown).toContain('==========---------- 50 % · 10,000 accounts, 2,000/s, 5 s left');
  expect(shown.trimEnd().split('\n').at(-1)).toContain(
    '==================== 100 % · 20,000 accounts, 2,000/s, 0 s left',
  );
});

it('is lines on a terminal, too, where nobody knows the end', () => {
  const terminal = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 80 });
  expect(written(undefined, terminal)).toBe('10,000 accounts, 2,000/s\n20,000 accounts, 2,000/s\n');
});
