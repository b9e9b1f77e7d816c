import argon2 from 'argon2';
import { HASH_BOUNDS, MIN_DIGEST_BYTES } from './bounds.ts';
import { passwordBytes } from './phc.ts';

export interface Argon2Hash {
  readonly family: 'argon2';
  readonly variant: 'argon2id' | 'argon2i' | 'argon2d';
  /** 16 (1.0) or 19 (1.3). */
  readonly version: number;
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** The parameters may stand in any order, and the version may be missing: libraries differ in how they write them. */
const ARGON2 =
  /^\$(argon2(?:id|i|d))(?:\$v=(16|19))?\$([a-z]=\d{1,10}(?:,[a-z]=\d{1,10})*)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** The least that RFC 9106 allows. */
const MIN_SALT_BYTES = 8;

export function inspectArgon2(hash: string): Argon2Hash | { problem: string } {
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

/** Exactly m, t and p. */
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

export const verifyArgon2 = (hash: string, password: string): Promise<boolean> =>
  argon2.verify(hash, passwordBytes(password));
