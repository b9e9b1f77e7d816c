/** scrypt (RFC 7914): `$scrypt$ln=14,r=8,p=1$salt$digest`, where `ln` is the binary logarithm of N. */
import { scrypt } from 'node:crypto';
import { HASH_BOUNDS, MIN_DIGEST_BYTES } from './bounds.ts';
import { parsePhc, passwordBytes, sameBytes, wholeNumbers } from './phc.ts';

export interface ScryptCost {
  /** Binary logarithm of N. */
  readonly ln: number;
  /** The size of a block, in units of 128 bytes. */
  readonly r: number;
  /** Lanes, one after the other. */
  readonly p: number;
}

export interface ScryptHash {
  readonly family: 'scrypt';
  readonly cost: ScryptCost;
  readonly salt: Buffer;
  readonly digest: Buffer;
}

export function inspectScrypt(hash: string): ScryptHash | { problem: string } {
  const phc = parsePhc(hash);
  const cost = phc && wholeNumbers(phc, ['ln', 'r', 'p']);
  if (phc === undefined || cost === undefined || phc.digest.length < MIN_DIGEST_BYTES)
    return { problem: 'The scrypt hash is malformed' };
  const problem = scryptCostProblem(cost);
  return problem === undefined ? { family: 'scrypt', cost, salt: phc.salt, digest: phc.digest } : { problem };
}

export function scryptCostProblem({ ln, r, p }: ScryptCost): string | undefined {
  const memoryKiB = (2 ** ln * r) / 8;
  if (memoryKiB <= HASH_BOUNDS.memoryKiB && memoryKiB * p <= HASH_BOUNDS.scryptWorkKiB) return undefined;
  return `The scrypt cost ln=${ln}, r=${r}, p=${p} is above ${HASH_BOUNDS.memoryKiB} KiB of memory, or ${HASH_BOUNDS.scryptWorkKiB} KiB for all lanes`;
}

/** @param length bytes of the key */
export function deriveByScrypt(
  password: Buffer,
  salt: Buffer,
  length: number,
  { ln, r, p }: ScryptCost,
): Promise<Buffer> {
  const N = 2 ** ln;
  // What OpenSSL counts: the table, a block for each lane, and two to work in.
  const maxmem = 128 * r * (N + p + 2);
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { N, r, p, maxmem }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

/**
 * Some that hash by scrypt fold passwords by NFKC before (Better Auth). Only a password that this changes is tried twice.
 */
export async function verifyScrypt({ cost, salt, digest }: ScryptHash, password: string): Promise<boolean> {
  const matches = async (bytes: Buffer): Promise<boolean> =>
    sameBytes(await deriveByScrypt(bytes, salt, digest.length, cost), digest);
  const [asTyped, folded] = [passwordBytes(password), Buffer.from(password.normalize('NFKC'))];
  return (await matches(asTyped)) || (!folded.equals(asTyped) && (await matches(folded)));
}
