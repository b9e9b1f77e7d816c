import { formatFirebaseScrypt } from '../../lib/password-hashes/firebase-scrypt.ts';
import { decode, type HashText, malformed } from './hashes.ts';

/** The parameters that all hashes of a Firebase project share, as its console shows them. */
export interface FirebaseHashConfig {
  /** In base64, as all of its texts. */
  readonly signerKey: string;
  readonly saltSeparator: string;
  readonly rounds: number;
  readonly memCost: number;
}

/**
 * Reads what the console shows under "Password hash parameters": `hash_config { algorithm: SCRYPT, base64_signer_key: … }`.
 * Undefined for what is none of the kind.
 */
export function parseFirebaseHashConfig(text: string): FirebaseHashConfig | undefined {
  const find = (name: string): string => new RegExp(`\\b${name}"?\\s*:\\s*"?([A-Za-z0-9+/=_-]*)`).exec(text)?.[1] ?? '';
  const [rounds, memCost] = [Number(find('rounds')), Number(find('mem_cost'))];
  const [signerKey, saltSeparator] = [find('base64_signer_key'), find('base64_salt_separator')];
  if (find('algorithm') !== 'SCRYPT' || signerKey === '' || !(rounds > 0) || !(memCost > 0)) return undefined;
  return { signerKey, saltSeparator, rounds, memCost };
}

/**
 * A hash of Firebase in our form, which has no place for the signer key: so it must be the one that the service knows.
 * @param knownKey `FIREBASE_SCRYPT_KEY`
 */
export function firebaseHash(
  { signerKey, saltSeparator, rounds, memCost }: FirebaseHashConfig,
  { salt, hash, knownKey }: { readonly salt: unknown; readonly hash: unknown; readonly knownKey: string | undefined },
): HashText {
  const key = decode(signerKey, 'base64');
  if (knownKey === undefined || !key?.equals(Buffer.from(knownKey, 'base64')))
    return { problem: 'The signer key of its Firebase project is not the one of FIREBASE_SCRYPT_KEY' };
  const [saltBytes, digest] = [decode(salt, 'base64'), decode(hash, 'base64')];
  const separator = saltSeparator === '' ? Buffer.alloc(0) : decode(saltSeparator, 'base64');
  if (!saltBytes || !digest || !separator || !Number.isInteger(rounds) || !Number.isInteger(memCost))
    return malformed('Firebase scrypt');
  return { text: formatFirebaseScrypt({ memCost, rounds, saltSeparator: separator }, saltBytes, digest) };
}
