/**
 * API keys: `rk_<prefix>_<secret>`, for services that call as nobody in particular.
 *
 *     prefix  8 random bytes, names the key in lists and finds it in the database
 *     secret  32 random bytes
 *
 * Both are hexadecimal: one spelling each, no character that a double click stops at, and a fixed beginning that
 * secret scanners can look for.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const PREFIX_BYTES = 8;
const SECRET_BYTES = 32;
const WIRE_FORM = /^rk_([0-9a-f]{16})_[0-9a-f]{64}$/;

export interface MintedApiKey {
  /** For whoever asked for it, once. */
  readonly key: string;
  readonly prefix: string;
  readonly hash: string;
}

export function mintApiKey(): MintedApiKey {
  const prefix = randomBytes(PREFIX_BYTES).toString('hex');
  const key = `rk_${prefix}_${randomBytes(SECRET_BYTES).toString('hex')}`;
  return { key, prefix, hash: hashApiKey(key) };
}

/** The prefix of a well-formed key, undefined for any other text. */
export const prefixOf = (key: string): string | undefined => WIRE_FORM.exec(key)?.[1];

/** What the database keeps of a key: SHA-256, base64url (43 characters). The secret has 256 random bits: no salt. */
export const hashApiKey = (key: string): string => createHash('sha256').update(key).digest('base64url');

/** Both hashes have 43 characters, and take as long to compare wherever they differ. */
export const isHashOf = (stored: string, computed: string): boolean =>
  stored.length === computed.length && timingSafeEqual(Buffer.from(stored), Buffer.from(computed));
