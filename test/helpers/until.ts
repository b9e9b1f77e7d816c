import { setTimeout as pause } from 'node:timers/promises';

/** Polls until `condition` holds. @throws after `withinMs`, naming what it waited for */
export async function until(what: string, condition: () => unknown, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await pause(20);
  }
}
