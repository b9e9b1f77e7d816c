import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { neverSilent } from '../../src/embedded/say.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('no step is silent for 15 s: what takes long is said again, with its time, until the task is done', async () => {
  const lines: string[] = [];
  let done = () => {};
  const task = neverSilent(
    (line) => lines.push(line),
    async (say) => {
      say('Fetching packages');
      await new Promise<void>((resolve) => {
        done = resolve;
      });
      return 'fetched';
    },
  );
  await vi.advanceTimersByTimeAsync(15_000);
  expect(lines).toEqual(['Fetching packages', 'Still at it after 10 s: Fetching packages']);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(lines.at(-1)).toBe('Still at it after 30 s: Fetching packages');
  done();
  await expect(task).resolves.toBe('fetched');
  expect(vi.getTimerCount()).toBe(0);
});
