import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Argon2Cost, calibrate, measureHashing } from '../../src/lib/argon2-calibration.ts';
import { HASH_BOUNDS, HASH_MINIMUM } from '../../src/lib/password-hashes/bounds.ts';

const bounds = { minimum: HASH_MINIMUM, maximum: HASH_BOUNDS };
const { memoryKiB: LEAST_KIB } = HASH_MINIMUM;

/** A machine on which the minimum takes so many milliseconds, and that is so unsteady. */
function machine(msAtLeast: number, jitter: () => number = () => 1) {
  const asked: Argon2Cost[] = [];
  const measure = async (cost: Argon2Cost) => {
    asked.push(cost);
    const msPerHash = ((msAtLeast * cost.memoryKiB * cost.passes) / LEAST_KIB / HASH_MINIMUM.passes) * jitter();
    return { msPerHash, hashesPerSecond: 1_000 / msPerHash };
  };
  return { asked, measure };
}

describe('calibrate', () => {
  it('raises the memory until the budget is nearly taken', async () => {
    const { cost, fits, msPerHash } = await calibrate(250, bounds, machine(50).measure);
    expect(fits).toBe(true);
    expect(msPerHash).toBeGreaterThan(0.85 * 250);
    expect(msPerHash).toBeLessThanOrEqual(250);
    expect(cost).toEqual({ memoryKiB: 92_160, passes: 2, parallelism: 1 });
  });

  it('raises the passes only when the memory is at its maximum', async () => {
    const { cost, msPerHash } = await calibrate(1_000, bounds, machine(20).measure);
    expect(cost).toEqual({ memoryKiB: HASH_BOUNDS.memoryKiB, passes: 7, parallelism: 1 });
    expect(msPerHash).toBeLessThanOrEqual(1_000);
  });

  it('stays within the bounds however fast the machine is', async () => {
    const { cost } = await calibrate(60_000, bounds, machine(1).measure);
    expect(cost).toEqual({ memoryKiB: HASH_BOUNDS.memoryKiB, passes: HASH_BOUNDS.passes, parallelism: 1 });
  });

  it('gives the minimum, and says that it does not fit, on a machine that is too slow', async () => {
    const { asked, measure } = machine(251);
    expect(await calibrate(250, bounds, measure)).toMatchObject({ cost: HASH_MINIMUM, fits: false, msPerHash: 251 });
    expect(asked).toEqual([HASH_MINIMUM]);
  });

  it('never leaves the bounds or the budget, and ends, on any machine', async () => {
    const jitter = fc.infiniteStream(fc.double({ min: 0.5, max: 3, noNaN: true }));
    const ms = fc.double({ min: 0.01, max: 2_000, noNaN: true });
    await fc.assert(
      fc.asyncProperty(ms, fc.integer({ min: 1, max: 5_000 }), jitter, async (msAtLeast, budget, noise) => {
        const { asked, measure } = machine(msAtLeast, () => noise.next().value);
        const { cost, fits, msPerHash } = await calibrate(budget, bounds, measure);
        expect(fits).toBe(msPerHash <= budget);
        if (!fits) expect(cost).toEqual(HASH_MINIMUM);
        for (const { memoryKiB, passes, parallelism } of [cost, ...asked]) {
          expect(memoryKiB).toBeGreaterThanOrEqual(HASH_MINIMUM.memoryKiB);
          expect(memoryKiB).toBeLessThanOrEqual(HASH_BOUNDS.memoryKiB);
          expect(passes).toBeGreaterThanOrEqual(HASH_MINIMUM.passes);
          expect(passes).toBeLessThanOrEqual(HASH_BOUNDS.passes);
          expect(parallelism).toBe(HASH_MINIMUM.parallelism);
        }
        expect(asked.length).toBeLessThan(15);
      }),
    );
  });
});

it('measureHashing hashes with so many at once', async () => {
  const { msPerHash, hashesPerSecond } = await measureHashing(HASH_MINIMUM, 2);
  expect(msPerHash).toBeGreaterThan(0);
  // At least half of them took as long as the middle one.
  expect(hashesPerSecond).toBeLessThanOrEqual((2 * 2 * 1_000) / msPerHash);
});
