/**
 * One round of a salted SHA, which some systems still hold: `$sha256$salt=prefix$salt$digest`, likewise with sha1 and
 * sha512, and `salt=suffix` where the salt stands after the password. Whoever gets hold of such hashes tries billions
 * of passwords a second, so they are accepted only until their owners sign in.
 */
import { createHash } from 'node:crypto';
import { formatPhc, parsePhc, passwordBytes, sameBytes } from './phc.ts';

const DIGEST_BYTES = Object.freeze({ sha1: 20, sha256: 32, sha512: 64 });
export type ShaFunction = keyof typeof DIGEST_BYTES;
export type SaltPosition = 'prefix' | 'suffix';

export interface SaltedShaHash {
  readonly family: 'salted-sha';
  readonly hash: ShaFunction;
  readonly position: SaltPosition;
  readonly salt: Buffer;
  readonly digest: Buffer;
}

export const isShaFunction = (text: string | undefined): text is ShaFunction =>
  text !== undefined && Object.hasOwn(DIGEST_BYTES, text);

const isSaltPosition = (text: string | undefined): text is SaltPosition => text === 'prefix' || text === 'suffix';

export const formatSaltedSha = (hash: ShaFunction, position: SaltPosition, salt: Buffer, digest: Buffer): string =>
  formatPhc(hash, { salt: position }, salt, digest);

export function inspectSaltedSha(text: string): SaltedShaHash | { problem: string } {
  const phc = parsePhc(text);
  const position = phc?.parameters.get('salt');
  if (phc === undefined || !isShaFunction(phc.id) || !isSaltPosition(position) || phc.parameters.size > 1)
    return { problem: 'The SHA hash is malformed: it needs a salt, and where that stands' };
  const { id: hash, salt, digest } = phc;
  if (digest.length !== DIGEST_BYTES[hash]) return { problem: `A digest of ${hash} has ${DIGEST_BYTES[hash]} bytes` };
  return { family: 'salted-sha', hash, position, salt, digest };
}

export function verifySaltedSha({ hash, position, salt, digest }: SaltedShaHash, password: string): boolean {
  const bytes = passwordBytes(password);
  const parts = position === 'prefix' ? [salt, bytes] : [bytes, salt];
  return sameBytes(createHash(hash).update(Buffer.concat(parts)).digest(), digest);
}
