/**
 * Firebase's variant of scrypt (https://github.com/firebase/scrypt): a key is derived from the password, and the signer
 * key of the project is encrypted with it; the ciphertext is the digest. Kept as
 * `$firebase-scrypt$ln=14,r=8,sep=Bw$salt$digest`, where `ln` and `r` are Firebase's mem_cost and rounds, and `sep` is
 * its salt separator. The signer key is a secret of the whole project, so it is no part of a hash.
 */
import { createCipheriv } from 'node:crypto';
import { MIN_DIGEST_BYTES } from './bounds.ts';
import {
  formatPhc,
  fromBase64,
  type PhcString,
  parsePhc,
  passwordBytes,
  sameBytes,
  toBase64,
  wholeNumbers,
} from './phc.ts';
import { deriveByScrypt, type ScryptCost, scryptCostProblem } from './scrypt.ts';

export interface FirebaseScryptHash {
  readonly family: 'firebase-scrypt';
  readonly cost: ScryptCost;
  /** With the separator. */
  readonly salt: Buffer;
  readonly digest: Buffer;
}

/** Hash parameters of a Firebase project, without its signer key. */
export interface FirebaseParameters {
  readonly memCost: number;
  readonly rounds: number;
  readonly saltSeparator: Buffer;
}

const ID = 'firebase-scrypt';
const AES_KEY_BYTES = 32;
/** Every key encrypts once, so the counter may begin at 0. */
const COUNTER = Buffer.alloc(16);

export function formatFirebaseScrypt(
  { memCost, rounds, saltSeparator }: FirebaseParameters,
  salt: Buffer,
  digest: Buffer,
) {
  const separator = saltSeparator.length > 0 ? { sep: toBase64(saltSeparator) } : {};
  return formatPhc(ID, { ln: memCost, r: rounds, ...separator }, salt, digest);
}

export function inspectFirebaseScrypt(hash: string): FirebaseScryptHash | { problem: string } {
  const phc = parsePhc(hash);
  const [numbers, separator] = phc === undefined ? [] : parametersOf(phc);
  if (phc === undefined || !numbers || !separator || phc.digest.length < MIN_DIGEST_BYTES)
    return { problem: 'The Firebase scrypt hash is malformed' };
  const cost = { ...numbers, p: 1 };
  const problem = scryptCostProblem(cost);
  if (problem !== undefined) return { problem };
  return { family: ID, cost, salt: Buffer.concat([phc.salt, separator]), digest: phc.digest };
}

function parametersOf(phc: PhcString): [Omit<ScryptCost, 'p'> | undefined, Buffer | undefined] {
  const parameters = new Map(phc.parameters);
  parameters.delete('sep');
  return [wholeNumbers({ ...phc, parameters }, ['ln', 'r']), fromBase64(phc.parameters.get('sep') ?? '')];
}

/** @param signerKey of the project that the hash comes from; of another one, no password is right */
export async function verifyFirebaseScrypt(
  { cost, salt, digest }: FirebaseScryptHash,
  password: string,
  signerKey: Buffer,
): Promise<boolean> {
  const key = await deriveByScrypt(passwordBytes(password), salt, AES_KEY_BYTES, cost);
  return sameBytes(createCipheriv('aes-256-ctr', key, COUNTER).update(signerKey), digest);
}
