/** Reading the parameters of a stored or imported password hash, before any work is spent on it. */
import { type Argon2Hash, inspectArgon2 } from './password-hashes/argon2.ts';
import { type BcryptHash, inspectBcrypt } from './password-hashes/bcrypt.ts';
import { type FirebaseScryptHash, inspectFirebaseScrypt } from './password-hashes/firebase-scrypt.ts';
import { inspectPbkdf2, type Pbkdf2Hash } from './password-hashes/pbkdf2.ts';
import { inspectSaltedSha, type SaltedShaHash } from './password-hashes/salted-sha.ts';
import { inspectScrypt, type ScryptHash } from './password-hashes/scrypt.ts';

export type PasswordHash = Argon2Hash | BcryptHash | ScryptHash | FirebaseScryptHash | Pbkdf2Hash | SaltedShaHash;

/** The width of the stored field. */
const MAX_LENGTH = 255;

type Inspect = (hash: string) => PasswordHash | { readonly problem: string };

/** By how a hash begins. */
const FAMILIES: readonly (readonly [RegExp, Inspect])[] = [
  [/^\$argon2/, inspectArgon2],
  [/^\$2/, inspectBcrypt],
  [/^\$scrypt\$/, inspectScrypt],
  [/^\$firebase-scrypt\$/, inspectFirebaseScrypt],
  [/^\$pbkdf2-/, inspectPbkdf2],
  [/^\$sha(1|256|512)\$/, inspectSaltedSha],
];

/**
 * The family and cost of a hash, or the problem with it: unknown, malformed, or dearer than HASH_BOUNDS. bcrypt has its
 * own form ($2a, $2b, $2y), all others are PHC strings. The problem is a sentence for people and contains nothing of the
 * hash.
 */
export function inspectHash(hash: string): PasswordHash | { readonly problem: string } {
  if (hash.length > MAX_LENGTH) return { problem: `A hash has at most ${MAX_LENGTH} characters` };
  const inspect = FAMILIES.find(([beginning]) => beginning.test(hash))?.[1];
  return (
    inspect?.(hash) ?? { problem: 'The hash is none of argon2, bcrypt, scrypt, Firebase scrypt, PBKDF2, salted SHA' }
  );
}
