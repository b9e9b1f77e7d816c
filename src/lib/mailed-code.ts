import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import type { Keyring } from './keyring.ts';

const DIGITS = 6;
const PURPOSE = 'mailed-code';

/** A code to type in, every one as likely as any other. */
export const newMailedCode = (): string => String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0');

/** Bound to the challenge that it answers. A code is few enough to be tried out, so its hash needs a key. */
const bound = (challenge: string, code: string): string => `${challenge}:${code}`;

export const hashMailedCode = (keyring: Keyring, challenge: string, code: string): string =>
  keyring.mac(PURPOSE, bound(challenge, code)).toString('base64url');

/** Whether it is the code of that hash; it may have been made under an older key. */
export const isMailedCode = (keyring: Keyring, challenge: string, code: string, hash: string): boolean =>
  keyring.macs(PURPOSE, bound(challenge, code)).some((mac) => timingSafeEqual(mac, Buffer.from(hash, 'base64url')));

/** Of a secret with 256 random bits, which needs neither salt nor key. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

export const isSecret = (secret: string, hash: string): boolean =>
  timingSafeEqual(createHash('sha256').update(secret).digest(), Buffer.from(hash, 'base64url'));
