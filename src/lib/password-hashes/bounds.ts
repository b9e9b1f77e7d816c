/**
 * Whoever imports a hash chooses what its verification costs us, at every attempt to sign in. Within these bounds one
 * verification takes less than about two seconds and 256 MiB.
 */
export const HASH_BOUNDS = Object.freeze({
  memoryKiB: 262_144,
  passes: 10,
  parallelism: 8,
  bcryptCost: 14,
  /** Memory of one lane of scrypt times its lanes, which run one after the other. */
  scryptWorkKiB: 524_288,
  pbkdf2Iterations: 2_000_000,
});

/** The least that a new hash may cost (OWASP Password Storage). */
export const HASH_MINIMUM = Object.freeze({ memoryKiB: 19_456, passes: 2, parallelism: 1 });

/** A digest under 16 bytes could be met by guessing. */
export const MIN_DIGEST_BYTES = 16;
