const MINUTE_MS = 60_000;

/** The first retry comes this soon; each later one waits twice as long as the one before, up to the longest pause. */
const FIRST_PAUSE_MS = MINUTE_MS;
const LONGEST_PAUSE_MS = 360 * MINUTE_MS;

/** Pauses differ by this part of them either way: what failed together does not come back together. */
const JITTER = 0.2;

/** The last one is about two days (44 hours) after the first. */
export const MAX_TRIES = 16;

/** How long to wait after that many tries. `random` is from 0 to 1. */
export function pauseAfter(tries: number, random = Math.random()): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
  return Math.round(pause * (1 - JITTER + 2 * JITTER * random));
}
