/**
 * Hashing and verifying passwords.
 *
 * New hashes are argon2id. Imported ones (argon2 of other kinds and costs, bcrypt, scrypt, Firebase's scrypt, PBKDF2,
 * salted SHA) verify as they are and are renewed at the next sign-in. Every call goes through one bounded queue.
 *
 * The argon2 package is pinned to 0.44.0: later builds want Node-API 10 and crash on Node 20.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import { createHashingQueue, type HashingStats } from './hashing-queue.ts';
import { inspectHash, type PasswordHash } from './password-hash.ts';
import { argon2CostProblem, verifyArgon2 } from './password-hashes/argon2.ts';
import { fitsBcrypt, verifyBcrypt } from './password-hashes/bcrypt.ts';
import { verifyFirebaseScrypt } from './password-hashes/firebase-scrypt.ts';
import { verifyPbkdf2 } from './password-hashes/pbkdf2.ts';
import { passwordBytes } from './password-hashes/phc.ts';
import { verifySaltedSha } from './password-hashes/salted-sha.ts';
import { verifyScrypt } from './password-hashes/scrypt.ts';

export interface PasswordOptions {
  /** Memory of one hash in KiB. */
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
  /** How many are hashed at once; the number of cores unless given. */
  readonly concurrency?: number | undefined;
  /** How many more may wait. */
  readonly maxQueue: number;
  /** Signer key of the Firebase project that hashes were imported from; without it no password matches those. */
  readonly firebaseScryptKey?: Buffer | undefined;
}

interface Verification {
  readonly valid: boolean;
  /** The password is right, and its hash should be replaced by a new one of this password. */
  readonly renew: boolean;
  /**
   * Only set for a stored hash that no password can match: malformed, of an unknown kind, above the cost bounds, or of
   * Firebase while its signer key is not known.
   */
  readonly corrupt?: true;
}

export interface Passwords {
  /** A new argon2id hash (PHC string, under 255 characters). Rejects with HashingOverloadError when too many wait. */
  hash(password: string): Promise<string>;
  /**
   * Checks a password against a stored hash. Undefined stands for an account that does not exist or has no password:
   * it costs what a hash of the current settings costs and is never valid, so that time does not tell who has an
   * account. (A hash imported at another cost does differ in time, until it is renewed.) A corrupt hash costs the same.
   * Rejects with HashingOverloadError when too many wait.
   */
  verify(hash: string | undefined, password: string): Promise<Verification>;
  stats(): HashingStats;
  /** Throws a HashingOverloadError while too many wait: whoever is told before anything else is done costs nearly nothing. */
  assertRoom(): void;
}

const DIGEST_BYTES = 32;
const SALT_BYTES = 16;
/** argon2 1.3, the version of RFC 9106. */
const ARGON2_VERSION = 19;

/** Throws a RangeError when the cost is out of bounds: a hash that is made must be one that is accepted. */
export function createPasswords(options: PasswordOptions): Passwords {
  const problem = argon2CostProblem(options);
  if (problem !== undefined) throw new RangeError(problem);
  const { concurrency = availableParallelism(), maxQueue } = options;
  const queue = createHashingQueue({ concurrency, maxQueue });
  const dummy = dummyHash(options);

  const verifyDummy = (password: string): Promise<boolean> => argon2.verify(dummy, passwordBytes(password));

  return {
    hash: (password) => queue.run(() => hashArgon2(password, options)),
    verify: (hash, password) =>
      queue.run(async () => {
        const kind = hash === undefined ? undefined : readable(hash, options);
        if (hash === undefined || kind === undefined) {
          await verifyDummy(password);
          return { valid: false, renew: false, ...(hash !== undefined && { corrupt: true }) };
        }
        const valid = await verifyKind(kind, hash, password, options);
        // One round of SHA takes no time, which would tell at once that there is an account.
        if (!valid && kind.family === 'salted-sha') await verifyDummy(password);
        return { valid, renew: valid && shouldRenew(kind, password, options) };
      }),
    stats: queue.stats,
    assertRoom: queue.assertRoom,
  };
}

/** What a hash is, where a password can be checked against it. */
function readable(hash: string, { firebaseScryptKey }: PasswordOptions): PasswordHash | undefined {
  const kind = inspectHash(hash);
  if ('problem' in kind) return undefined;
  return kind.family === 'firebase-scrypt' && firebaseScryptKey === undefined ? undefined : kind;
}

async function verifyKind(
  kind: PasswordHash,
  hash: string,
  password: string,
  { firebaseScryptKey = Buffer.alloc(0) }: PasswordOptions,
): Promise<boolean> {
  switch (kind.family) {
    case 'argon2':
      return verifyArgon2(hash, password);
    case 'bcrypt':
      return verifyBcrypt(hash, password);
    case 'scrypt':
      return verifyScrypt(kind, password);
    case 'firebase-scrypt':
      return verifyFirebaseScrypt(kind, password, firebaseScryptKey);
    case 'pbkdf2':
      return verifyPbkdf2(kind, password);
    case 'salted-sha':
      return verifySaltedSha(kind, password);
  }
}

function hashArgon2(password: string, { memoryKiB, passes, parallelism }: PasswordOptions): Promise<string> {
  return argon2.hash(passwordBytes(password), {
    type: argon2.argon2id,
    version: ARGON2_VERSION,
    memoryCost: memoryKiB,
    timeCost: passes,
    parallelism,
    hashLength: DIGEST_BYTES,
  });
}

/** A well-formed hash of nothing: verifying against random bytes costs the same, and no password matches them. */
function dummyHash({ memoryKiB, passes, parallelism }: PasswordOptions): string {
  const [salt, digest] = [randomBytes(SALT_BYTES), randomBytes(DIGEST_BYTES)].map((bytes) =>
    bytes.toString('base64').replaceAll('=', ''),
  );
  return `$argon2id$v=${ARGON2_VERSION}$m=${memoryKiB},t=${passes},p=${parallelism}$${salt}$${digest}`;
}

/**
 * Any other cost than the current one is replaced, also a higher one: only equal cost makes unknown accounts take the
 * same time. A password longer than bcrypt's key is not: what follows the 72nd byte was never verified, and a typing
 * error in it would become part of the new hash and lock its owner out.
 */
function shouldRenew(kind: PasswordHash, password: string, options: PasswordOptions): boolean {
  if (kind.family === 'bcrypt') return fitsBcrypt(password);
  return (
    kind.family !== 'argon2' ||
    kind.variant !== 'argon2id' ||
    kind.version !== ARGON2_VERSION ||
    kind.memoryKiB !== options.memoryKiB ||
    kind.passes !== options.passes ||
    kind.parallelism !== options.parallelism
  );
}
