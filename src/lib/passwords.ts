/**
 * Hashing and verifying passwords.
 *
 * New hashes are argon2id. Imported ones (argon2i, argon2d, argon2id of other cost, bcrypt) verify as they are and are
 * renewed at the next sign-in. Every call goes through one bounded queue.
 *
 * The argon2 package is pinned to 0.44.0: later builds want Node-API 10 and crash on Node 20.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import bcrypt from 'bcrypt';
import { createHashingQueue, type HashingStats } from './hashing-queue.ts';
import { type Argon2Hash, argon2CostProblem, type BcryptHash, inspectHash } from './password-hash.ts';

export interface PasswordOptions {
  /** Memory of one hash in KiB. */
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
  /** How many are hashed at once; the number of cores unless given. */
  readonly concurrency?: number | undefined;
  /** How many more may wait. */
  readonly maxQueue: number;
}

interface Verification {
  readonly valid: boolean;
  /** The password is right, and its hash should be replaced by a new one of this password. */
  readonly renew: boolean;
  /** Only set for a stored hash that no password can match: malformed, of an unknown kind, or above the cost bounds. */
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
/** bcrypt's key is 72 bytes long. What its makers did with the rest of a longer password is: nothing. */
const BCRYPT_KEY_BYTES = 72;

/** Throws a RangeError when the cost is out of bounds: a hash that is made must be one that is accepted. */
export function createPasswords(options: PasswordOptions): Passwords {
  const problem = argon2CostProblem(options);
  if (problem !== undefined) throw new RangeError(problem);
  const { concurrency = availableParallelism(), maxQueue } = options;
  const queue = createHashingQueue({ concurrency, maxQueue });
  const dummy = dummyHash(options);

  return {
    hash: (password) => queue.run(() => hashArgon2(password, options)),
    verify: (hash, password) =>
      queue.run(async () => {
        const kind = hash === undefined ? undefined : inspectHash(hash);
        if (hash === undefined || kind === undefined || 'problem' in kind) {
          await argon2.verify(dummy, encode(password));
          return { valid: false, renew: false, ...(hash !== undefined && { corrupt: true }) };
        }
        const valid =
          kind.family === 'bcrypt' ? await verifyBcrypt(hash, password) : await verifyArgon2(hash, password);
        return { valid, renew: valid && shouldRenew(kind, password, options) };
      }),
    stats: queue.stats,
    assertRoom: queue.assertRoom,
  };
}

/**
 * NFC, so that the same password typed on another system (which may send NFD) is the same bytes. Nothing is trimmed or
 * cut off.
 */
function encode(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'));
}

function hashArgon2(password: string, { memoryKiB, passes, parallelism }: PasswordOptions): Promise<string> {
  return argon2.hash(encode(password), {
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

function verifyArgon2(hash: string, password: string): Promise<boolean> {
  return argon2.verify(hash, encode(password));
}

/**
 * $2y is PHP's name for what others call $2b, which is the one that the library knows. The password is cut here, as
 * the library's $2a counts the bytes of longer ones modulo 256.
 */
function verifyBcrypt(hash: string, password: string): Promise<boolean> {
  return bcrypt.compare(encode(password).subarray(0, BCRYPT_KEY_BYTES), hash.replace(/^\$2y/, '$2b'));
}

/**
 * Any other cost than the current one is replaced, also a higher one: only equal cost makes unknown accounts take the
 * same time. A password longer than bcrypt's key is not: what follows the 72nd byte was never verified, and a typing
 * error in it would become part of the new hash and lock its owner out.
 */
function shouldRenew(kind: Argon2Hash | BcryptHash, password: string, options: PasswordOptions): boolean {
  if (kind.family === 'bcrypt') return encode(password).length <= BCRYPT_KEY_BYTES;
  return (
    kind.variant !== 'argon2id' ||
    kind.version !== ARGON2_VERSION ||
    kind.memoryKiB !== options.memoryKiB ||
    kind.passes !== options.passes ||
    kind.parallelism !== options.parallelism
  );
}
