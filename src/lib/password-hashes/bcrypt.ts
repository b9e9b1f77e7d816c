import bcrypt from 'bcrypt';
import { HASH_BOUNDS } from './bounds.ts';
import { passwordBytes } from './phc.ts';

export interface BcryptHash {
  readonly family: 'bcrypt';
  /** Binary logarithm of the number of rounds. */
  readonly cost: number;
}

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const MIN_COST = 4;
/** bcrypt's key is 72 bytes long. What its makers did with the rest of a longer password is: nothing. */
const KEY_BYTES = 72;

export function inspectBcrypt(hash: string): BcryptHash | { problem: string } {
  const cost = Number(BCRYPT.exec(hash)?.[1]);
  if (Number.isNaN(cost)) return { problem: 'The bcrypt hash is malformed' };
  if (cost < MIN_COST || cost > HASH_BOUNDS.bcryptCost) {
    return { problem: `The bcrypt cost is ${cost}; accepted are ${MIN_COST} to ${HASH_BOUNDS.bcryptCost}` };
  }
  return { family: 'bcrypt', cost };
}

/**
 * $2y is PHP's name for what others call $2b, which is the one that the library knows. The password is cut here, as
 * the library's $2a counts the bytes of longer ones modulo 256.
 */
export const verifyBcrypt = (hash: string, password: string): Promise<boolean> =>
  bcrypt.compare(passwordBytes(password).subarray(0, KEY_BYTES), hash.replace(/^\$2y/, '$2b'));

/** Whether bcrypt looks at the whole of a password. */
export const fitsBcrypt = (password: string): boolean => passwordBytes(password).length <= KEY_BYTES;
