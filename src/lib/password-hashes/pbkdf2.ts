/** PBKDF2 (RFC 8018) with HMAC: `$pbkdf2-sha256$i=600000$salt$digest`, likewise with sha1 and sha512. */
import { pbkdf2 } from 'node:crypto';
import { HASH_BOUNDS, MIN_DIGEST_BYTES } from './bounds.ts';
import { formatPhc, parsePhc, passwordBytes, sameBytes, wholeNumbers } from './phc.ts';

/** Bytes of one block of output. */
const BLOCK_BYTES = Object.freeze({ sha1: 20, sha256: 32, sha512: 64 });
export type Pbkdf2Function = keyof typeof BLOCK_BYTES;

export interface Pbkdf2Hash {
  readonly family: 'pbkdf2';
  readonly hash: Pbkdf2Function;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly digest: Buffer;
}

const ID = /^pbkdf2-(.+)$/;

export const isPbkdf2Function = (text: string | undefined): text is Pbkdf2Function =>
  text !== undefined && Object.hasOwn(BLOCK_BYTES, text);

/**
 * Of a longer digest the first block is enough. Blocks are computed apart from each other, so whoever guesses passwords
 * never computes more than one, and here too the iterations alone tell what a verification costs.
 */
const firstBlock = (hash: Pbkdf2Function, digest: Buffer): Buffer => digest.subarray(0, BLOCK_BYTES[hash]);

export const formatPbkdf2 = (hash: Pbkdf2Function, iterations: number, salt: Buffer, digest: Buffer): string =>
  formatPhc(`pbkdf2-${hash}`, { i: iterations }, salt, firstBlock(hash, digest));

export function inspectPbkdf2(text: string): Pbkdf2Hash | { problem: string } {
  const phc = parsePhc(text);
  const hash = ID.exec(phc?.id ?? '')?.[1];
  const iterations = phc && wholeNumbers(phc, ['i'])?.i;
  if (phc === undefined || !isPbkdf2Function(hash) || iterations === undefined)
    return { problem: 'The PBKDF2 hash is malformed, or of another function than sha1, sha256 and sha512' };
  if (phc.digest.length < MIN_DIGEST_BYTES)
    return { problem: `A PBKDF2 hash needs a digest of ${MIN_DIGEST_BYTES} bytes` };
  if (iterations > HASH_BOUNDS.pbkdf2Iterations)
    return {
      problem: `The PBKDF2 hash has ${iterations} iterations; accepted are up to ${HASH_BOUNDS.pbkdf2Iterations}`,
    };
  return { family: 'pbkdf2', hash, iterations, salt: phc.salt, digest: firstBlock(hash, phc.digest) };
}

export function verifyPbkdf2({ hash, iterations, salt, digest }: Pbkdf2Hash, password: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    pbkdf2(passwordBytes(password), salt, iterations, digest.length, hash, (error, key) =>
      error ? reject(error) : resolve(sameBytes(key, digest)),
    );
  });
}
