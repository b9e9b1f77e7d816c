import { describe, expect, it } from 'vitest';
import { DistinctCounter } from '../../src/lib/distinct-counter.ts';

const counterOf = (from: number, to: number): DistinctCounter => {
  const counter = new DistinctCounter();
  for (let n = from; n < to; n += 1) counter.add(`account ${n}`);
  return counter;
};

/** By how many hundredths an estimate is off. */
const errorOf = (estimated: number, real: number): number => (Math.abs(estimated - real) / real) * 100;

describe('a counter of different ids', () => {
  it.each([0, 1, 2, 100, 2_047, 2_048])('is exact with %i of them, however often each comes', (size) => {
    const counter = counterOf(0, size);
    counter.merge(counterOf(0, size));
    expect(counter.count).toBe(size);
    expect(DistinctCounter.fromBytes(counter.toBytes()).count).toBe(size);
  });

  it.each([2_049, 5_000, 20_000, 50_000, 100_000, 300_000])('is near enough with %i of them, in 16 KiB', (size) => {
    const counter = counterOf(0, size);
    // Three and a half times the standard error.
    expect(errorOf(counter.count, size)).toBeLessThan(2.9);
    expect(counter.toBytes().length).toBe(1 + 2 ** 14);
  });

  it.each([
    ['two that are exact', 1_000, 500, 1_500],
    ['two that are exact and together are not', 2_000, 1_500, 3_500],
    ['one of each kind', 2_000, 1_000, 30_000],
    ['one of each kind, the other way round', 30_000, 29_000, 30_500],
    ['two estimates', 40_000, 20_000, 60_000],
  ])('adds up to the union: %s', (_what, end, begin, to) => {
    const counter = counterOf(0, end);
    counter.merge(DistinctCounter.fromBytes(counterOf(begin, to).toBytes()));
    expect(errorOf(counter.count, to)).toBeLessThan(to <= 2_048 ? 0.001 : 2.9);
  });

  it('gives the same bytes for an estimate in whatever order', () => {
    const [whole, other] = [counterOf(0, 5_000), counterOf(2_500, 5_000)];
    other.merge(counterOf(0, 2_500));
    expect(other.toBytes()).toEqual(whole.toBytes());
    whole.merge(other);
    expect(whole.count).toBe(other.count);
  });

  it('keeps what it was made of apart', () => {
    const [one, other] = [counterOf(0, 10), counterOf(10, 20)];
    one.merge(other);
    one.add('more');
    expect([one.count, other.count]).toEqual([21, 10]);
  });

  it.each([[], [0, 1], [1], [1, 2, 3], [2], [7, ...new Array(8).fill(0)]])(
    'is not made of other bytes: %j',
    (...bytes) => {
      expect(() => DistinctCounter.fromBytes(Buffer.from(bytes))).toThrow(RangeError);
    },
  );
});
