const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** How long after each failed try the next one comes, as Standard Webhooks has it: the last one after three days. */
const PAUSES_MS = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
] as const;

export const MAX_TRIES = PAUSES_MS.length + 1;

/** Pauses are longer by up to this part of them: what failed together does not come back together. */
const JITTER = 0.2;

/** A receiver may put a try off, but not beyond what anybody still waits for. */
const LONGEST_RETRY_AFTER_MS = 24 * HOUR_MS;

/**
 * How long to wait after that many tries: never less than the receiver asked for, nor less than the schedule says, so
 * that one that asks for no pause at all does not use up its tries in a moment. `random` is from 0 to 1.
 */
export function pauseAfter(tries: number, retryAfterMs = 0, random = Math.random()): number {
  const scheduled = PAUSES_MS[Math.min(tries, PAUSES_MS.length) - 1] ?? 0;
  return Math.round(Math.max(scheduled * (1 + JITTER * random), Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS)));
}

/** The pause that a `Retry-After` asks for (RFC 9110, section 10.2.3), in milliseconds; undefined for what is none. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * SECOND_MS;
  // Without a weekday it would be one of the many spellings that only JavaScript reads.
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
