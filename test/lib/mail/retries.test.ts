import { describe, expect, it } from 'vitest';
import { MAX_TRIES, pauseAfter } from '../../../src/lib/mail/retries.ts';

const MINUTE_MS = 60_000;
const pauses = (random: number) => Array.from({ length: MAX_TRIES - 1 }, (_, index) => pauseAfter(index + 1, random));

describe('retries', () => {
  it('begin after a minute, wait twice as long each time, and at most six hours', () => {
    const minutes = pauses(0.5).map((ms) => ms / MINUTE_MS);
    expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360, 360, 360, 360]);
  });

  it('go on for about two days', () => {
    for (const random of [0, 0.5, 1]) {
      const hours = pauses(random).reduce((sum, ms) => sum + ms, 0) / 3_600_000;
      expect(hours).toBeGreaterThan(35);
      expect(hours).toBeLessThan(54);
    }
  });

  it('spread by a fifth either way', () => {
    expect(pauseAfter(1, 0)).toBe(48_000);
    expect(pauseAfter(1, 1)).toBe(72_000);
    expect(new Set(Array.from({ length: 20 }, () => pauseAfter(1))).size).toBeGreaterThan(1);
  });
});
