/** Reading the parameters of a stored or imported password hash, before any work is spent on it. */

export interface Argon2Hash {
  readonly family: 'argon2';
  readonly variant: 'argon2id' | 'argon2i' | 'argon2d';
  /** 16 (1.0) or 19 (1.3). */
  readonly version: number;
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
}

export interface BcryptHash {
  readonly family: 'bcrypt';
  /** Binary logarithm of the number of rounds. */
  readonly cost: number;
}

/**
 * Whoever imports a hash chooses what its verification costs us, at every attempt to sign in. Within these bounds one
 * verification takes less than about two seconds and 256 MiB.
 */
export const HASH_BOUNDS = Object.freeze({ memoryKiB: 262_144, passes: 10, parallelism: 8, bcryptCost: 14 });

/** The least that a new hash may cost (OWASP Password Storage). */
export const HASH_MINIMUM = Object.freeze({ memoryKiB: 19_456, passes: 2, parallelism: 1 });

/** The width of the stored field. */
const MAX_LENGTH = 255;
const ARGON2 =
  /^\$(argon2(?:id|i|d))(?:\$v=(16|19))?\$([a-z]=\d{1,10}(?:,[a-z]=\d{1,10})*)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const BCRYPT_MIN_COST = 4;
/** RFC 9106 allows a salt of 8 bytes; a digest under 16 could be met by guessing. */
const MIN_SALT_BYTES = 8;
const MIN_DIGEST_BYTES = 16;

/**
 * The family and cost of an argon2 (PHC string) or bcrypt ($2a, $2b, $2y) hash, or the problem with it: unknown,
 * malformed, or dearer than HASH_BOUNDS. The problem is a sentence for people and contains nothing of the hash.
 */
export function inspectHash(hash: string): Argon2Hash | BcryptHash | { readonly problem: string } {
  if (hash.length > MAX_LENGTH) return { problem: `A hash has at most ${MAX_LENGTH} characters` };
  if (hash.startsWith('$argon2')) return inspectArgon2(hash);
  if (hash.startsWith('$2')) return inspectBcrypt(hash);
  return { problem: 'The hash is neither argon2 nor bcrypt ($2a, $2b, $2y)' };
}

function inspectBcrypt(hash: string): BcryptHash | { problem: string } {
  const cost = Number(BCRYPT.exec(hash)?.[1]);
  if (Number.isNaN(cost)) return { problem: 'The bcrypt hash is malformed' };
  if (cost < BCRYPT_MIN_COST || cost > HASH_BOUNDS.bcryptCost) {
    return { problem: `The bcrypt cost is ${cost}; accepted are ${BCRYPT_MIN_COST} to ${HASH_BOUNDS.bcryptCost}` };
  }
  return { family: 'bcrypt', cost };
}

function inspectArgon2(hash: string): Argon2Hash | { problem: string } {
  const [, variant, version = '16', parameters = '', salt = '', digest = ''] = ARGON2.exec(hash) ?? [];
  const values = argon2Parameters(parameters);
  if (!isVariant(variant) || values === undefined) {
    return { problem: 'The argon2 hash is malformed' };
  }
  if (base64Bytes(salt) < MIN_SALT_BYTES || base64Bytes(digest) < MIN_DIGEST_BYTES) {
    return { problem: `An argon2 hash needs a salt of ${MIN_SALT_BYTES} and a digest of ${MIN_DIGEST_BYTES} bytes` };
  }
  const problem = argon2CostProblem(values);
  return problem === undefined ? { family: 'argon2', variant, version: Number(version), ...values } : { problem };
}

type Argon2Cost = Pick<Argon2Hash, 'memoryKiB' | 'passes' | 'parallelism'>;

/** Exactly m, t and p, in any order: libraries differ in how they sort them. */
function argon2Parameters(text: string): Argon2Cost | undefined {
  const entries = text.split(',').map((parameter) => [parameter.slice(0, 1), Number(parameter.slice(2))] as const);
  const values = new Map(entries);
  const [memoryKiB, passes, parallelism] = [values.get('m'), values.get('t'), values.get('p')];
  if (entries.length !== 3 || memoryKiB === undefined || passes === undefined || parallelism === undefined) {
    return undefined;
  }
  return { memoryKiB, passes, parallelism };
}

/** What is wrong with a cost, for a hash as for the settings that new hashes are made with. */
export function argon2CostProblem({ memoryKiB, passes, parallelism }: Argon2Cost): string | undefined {
  if (passes < 1 || parallelism < 1 || memoryKiB < 8 * parallelism) {
    return 'argon2 needs at least one pass, one lane, and 8 KiB of memory for each lane';
  }
  const { memoryKiB: maxMemory, passes: maxPasses, parallelism: maxLanes } = HASH_BOUNDS;
  if (memoryKiB > maxMemory || passes > maxPasses || parallelism > maxLanes) {
    return `The argon2 cost m=${memoryKiB}, t=${passes}, p=${parallelism} is above m=${maxMemory}, t=${maxPasses}, p=${maxLanes}`;
  }
  return undefined;
}

function isVariant(text: string | undefined): text is Argon2Hash['variant'] {
  return text === 'argon2id' || text === 'argon2i' || text === 'argon2d';
}

function base64Bytes(text: string): number {
  return Math.floor((text.length * 3) / 4);
}
