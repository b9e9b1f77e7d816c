import type { Argon2Hash } from './password-hashes/argon2.ts';
import { createPasswords } from './passwords.ts';

export type Argon2Cost = Pick<Argon2Hash, 'memoryKiB' | 'passes' | 'parallelism'>;

/** What hashing at a cost takes, with several hashes at once. */
export interface HashingTime {
  /** From the start of a hash to its end: the middle one. */
  readonly msPerHash: number;
  readonly hashesPerSecond: number;
}

export interface Calibration extends HashingTime {
  readonly cost: Argon2Cost;
  /** False when even the minimum takes longer than the budget. */
  readonly fits: boolean;
}

/** A machine is never so quiet that the same hash takes the same time twice. */
const AIM = 0.95;
const CLOSE_ENOUGH = 0.85;
const ATTEMPTS = 6;
const STEP_KIB = 1024;

type Measure = (cost: Argon2Cost) => Promise<HashingTime>;

interface Bounds {
  readonly minimum: Argon2Cost;
  readonly maximum: Argon2Cost;
}

/**
 * The dearest cost that one hash can have within the budget: as much memory as fits, since that is what an attacker's
 * hardware has least of, and more passes only where no more memory is allowed (RFC 9106, 4; OWASP Password Storage).
 * Lanes are those of the minimum.
 */
export async function calibrate(
  budgetMs: number,
  { minimum, maximum }: Bounds,
  measure: Measure,
): Promise<Calibration> {
  const at = async (cost: Argon2Cost): Promise<Calibration> => {
    const time = await measure(cost);
    return { ...time, cost, fits: time.msPerHash <= budgetMs };
  };
  const least = await at(minimum);
  if (!least.fits) return least;
  const grow = { budgetMs, maximum, at };
  const widest = await raise('memoryKiB', STEP_KIB, least, grow);
  return widest.cost.memoryKiB < maximum.memoryKiB ? widest : raise('passes', 1, widest, grow);
}

interface Growth {
  readonly budgetMs: number;
  readonly maximum: Argon2Cost;
  readonly at: (cost: Argon2Cost) => Promise<Calibration>;
}

/** Raises one side of a cost that fits until it nearly takes the budget, or is at its maximum. */
async function raise(
  side: 'memoryKiB' | 'passes',
  step: number,
  from: Calibration,
  { budgetMs, maximum, at }: Growth,
): Promise<Calibration> {
  let [best, last] = [from, from];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (last.fits && last.msPerHash >= budgetMs * CLOSE_ENOUGH) break;
    // Time grows with either side in proportion.
    const aim = (last.cost[side] * AIM * budgetMs) / last.msPerHash;
    const value = Math.min(maximum[side], Math.floor(aim / step) * step);
    if (value <= best.cost[side] || value === last.cost[side]) break;
    last = await at({ ...from.cost, [side]: value });
    if (last.fits) best = last;
  }
  return best;
}

const MEASURE_MS = 1_000;
const HASHES_EACH = 3;

/** Hashes with so many at once, as the service does under load, for a second at least. */
export async function measureHashing(cost: Argon2Cost, concurrency: number): Promise<HashingTime> {
  const passwords = createPasswords({ ...cost, concurrency, maxQueue: 0 });
  const times: number[] = [];
  const start = performance.now();
  const hashOneAfterTheOther = async () => {
    for (let count = 0; count < HASHES_EACH || performance.now() - start < MEASURE_MS; count += 1) {
      const begin = performance.now();
      await passwords.hash('a password to measure with');
      times.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, hashOneAfterTheOther));
  const hashesPerSecond = (times.length * 1_000) / (performance.now() - start);
  return { msPerHash: times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0, hashesPerSecond };
}
