import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until `condition` answers with something other than false or undefined; throws after `withinMs`. */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  withinMs = 10_000,
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    const answer = await condition();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    await sleep(10);
  }
  throw new Error(`${what}: not within ${withinMs} ms`);
}
