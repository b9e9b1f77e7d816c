/** Password hashes as other systems write them, in the forms in which they are kept here. */
import { formatPbkdf2, isPbkdf2Function } from '../../lib/password-hashes/pbkdf2.ts';
import { formatPhc } from '../../lib/password-hashes/phc.ts';
import { formatSaltedSha, type SaltPosition, type ShaFunction } from '../../lib/password-hashes/salted-sha.ts';

/** A hash in our form, of which the parameters are yet to be inspected, or a sentence that says why there is none. */
export type HashText = { readonly text: string } | { readonly problem: string };

export const unsupported = (kind: string): HashText => ({ problem: `Hashes of the kind ${kind} are not supported` });
export const malformed = (kind: string): HashText => ({ problem: `The ${kind} hash is malformed` });

type Encoding = 'base64' | 'hex' | 'utf8';

/** Undefined where the text is not in that encoding; base64 also with the letters of base64url, padded or not. */
export function decode(text: unknown, encoding: Encoding): Buffer | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  if (encoding === 'hex') return /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
  if (encoding === 'base64') return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  return Buffer.from(text);
}

export function pbkdf2(
  name: unknown,
  iterations: unknown,
  salt: Buffer | undefined,
  digest: Buffer | undefined,
): HashText {
  const hash = typeof name === 'string' ? name.toLowerCase() : undefined;
  if (!isPbkdf2Function(hash)) return unsupported(`PBKDF2 with ${String(name)}`);
  const count = Number(iterations);
  if (!Number.isInteger(count) || salt === undefined || digest === undefined) return malformed('PBKDF2');
  return { text: formatPbkdf2(hash, count, salt, digest) };
}

interface ScryptParameters {
  readonly N: unknown;
  readonly r: unknown;
  readonly p: unknown;
}

export function scrypt({ N, r, p }: ScryptParameters, salt: Buffer | undefined, digest: Buffer | undefined): HashText {
  const [ln, blocks, lanes] = [Math.log2(Number(N)), Number(r), Number(p)];
  if (![ln, blocks, lanes].every(Number.isInteger) || salt === undefined || digest === undefined)
    return malformed('scrypt');
  return { text: formatPhc('scrypt', { ln, r: blocks, p: lanes }, salt, digest) };
}

export function saltedSha(
  hash: ShaFunction,
  position: SaltPosition,
  salt: Buffer | undefined,
  digest: Buffer | undefined,
): HashText {
  if (salt === undefined)
    return { problem: `A hash of ${hash} without a salt is not supported: it is found in seconds` };
  return digest === undefined ? malformed(hash) : { text: formatSaltedSha(hash, position, salt, digest) };
}

/** Django's and its relatives': `pbkdf2_sha256$iterations$salt$digest`. */
export function pbkdf2InFour(text: string, saltIn: Encoding, digestIn: Encoding): HashText {
  const [name = '', iterations, salt, digest, ...others] = text.split('$');
  if (others.length > 0) return malformed('PBKDF2');
  return pbkdf2(name.replace(/^pbkdf2_/, ''), iterations, decode(salt, saltIn), decode(digest, digestIn));
}

/** `$pbkdf2-sha256$i=…,l=…$salt$digest`: with the length that a PHC string may name, and that ours does not need. */
export function pbkdf2OfPhc(text: string): HashText {
  const [, name, iterations, salt, digest] =
    /^\$pbkdf2-([a-z0-9]+)\$i=(\d+)(?:,l=\d+)?\$([A-Za-z0-9+/]+)=*\$([A-Za-z0-9+/]+)=*$/.exec(text) ?? [];
  if (name === undefined) return malformed('PBKDF2');
  return pbkdf2(name, iterations, decode(salt, 'base64'), decode(digest, 'base64'));
}

/** Werkzeug's `scrypt:N:r:p$salt$digest`, the salt as text and the digest in hexadecimal digits. */
export function scryptOfWerkzeug(text: string): HashText {
  const [, N, r, p, salt, digest] = /^scrypt:(\d+):(\d+):(\d+)\$([^$]+)\$([0-9a-f]+)$/i.exec(text) ?? [];
  return scrypt({ N, r, p }, decode(salt, 'utf8'), decode(digest, 'hex'));
}

/** One that its maker writes as we keep it: bcrypt, and PHC strings of argon2 and scrypt. */
export const asItIs = (hash: unknown): HashText => (typeof hash === 'string' ? { text: hash } : malformed('password'));
