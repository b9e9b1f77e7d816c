import { describe, expect, it } from 'vitest';
import { MAX_TRIES, pauseAfter, retryAfterMs } from '../../../src/lib/webhooks/retries.ts';

const HOUR_MS = 3_600_000;
const pauses = (random: number) =>
  Array.from({ length: MAX_TRIES - 1 }, (_, index) => pauseAfter(index + 1, undefined, random));

describe('retries', () => {
  it('come after 5 seconds, then ever later', () => {
    expect(pauses(0).map((ms) => ms / 1000)).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
  });

  it('go on for three days', () => {
    for (const random of [0, 0.5, 1]) {
      const hours = pauses(random).reduce((sum, ms) => sum + ms, 0) / HOUR_MS;
      expect(hours).toBeGreaterThan(72);
      expect(hours).toBeLessThan(96);
    }
  });

  it('spread by a fifth', () => {
    expect(pauseAfter(1, 0, 1)).toBe(6_000);
    expect(new Set(Array.from({ length: 20 }, () => pauseAfter(1))).size).toBeGreaterThan(1);
  });

  it('come no sooner than asked for, nor than planned, and not later than a day for the asking', () => {
    expect(pauseAfter(1, 60_000)).toBe(60_000);
    expect(pauseAfter(4, 0, 0)).toBe(2 * HOUR_MS);
    expect(pauseAfter(1, 1e12)).toBe(24 * HOUR_MS);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 25, 12);

  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Wed, 25 Nov 2026 12:01:00 GMT', 60_000],
    ['Wed, 25 Nov 2026 11:00:00 GMT', 0],
  ])('%j is a pause', (header, ms) => expect(retryAfterMs(header, now)).toBe(ms));

  it.each([undefined, '', 'soon', '-5', '1.5', '1e9', '2027-01-01', '12345678901', 'Wed, never'])(
    '%j is none',
    (header) => expect(retryAfterMs(header, now)).toBeUndefined(),
  );
});
