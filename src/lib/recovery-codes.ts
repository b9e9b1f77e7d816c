import { randomBytes } from 'node:crypto';

const RECOVERY_CODES = 10;

/** 80 bits, so that a code needs no limit to be safe from guessing, nor a slow hash in a stolen database. */
const CODE_BYTES = 10;
const GROUP = 4;

/** Crockford's base32: no letter in it looks like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const BITS = 5;

/** A set of codes, each as its owner writes it down: `7kq2-m0dz-x4h9-pa3e`. */
export const newRecoveryCodes = (): string[] => Array.from({ length: RECOVERY_CODES }, newCode);

function newCode(): string {
  let bits = BigInt(`0x${randomBytes(CODE_BYTES).toString('hex')}`);
  let text = '';
  for (let left = (CODE_BYTES * 8) / BITS; left > 0; left -= 1) {
    text = (ALPHABET[Number(bits % 32n)] ?? '') + text;
    bits /= 32n;
  }
  return (text.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

/** A code as it is compared: however its owner writes it, and whatever letters they read its digits for. */
export const plainRecoveryCode = (given: string): string =>
  given.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');
