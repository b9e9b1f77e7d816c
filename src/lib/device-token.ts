/**
 * Device tokens: proof that an account has signed in here before (OWASP's "device cookie"). One grants nothing by
 * itself; failures of a device that has one are counted apart, so that a stranger who uses up the attempts of an
 * account does not lock its owner out.
 *
 *     base64url( device id, 16 bytes | seconds since the epoch, uint32 big-endian | MAC, 32 bytes )
 *     MAC = HMAC-SHA256( key derived from the keyring, user id | device id | seconds )
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Keyring } from './keyring.ts';

const PURPOSE = 'device-token';
const ID_BYTES = 16;
const HEAD_BYTES = ID_BYTES + 4;
const TOKEN_BYTES = HEAD_BYTES + 32;
/** A device that was not used for half a year is a stranger again. */
export const DEVICE_SECONDS = 180 * 86_400;
const WIRE_FORM = /^[A-Za-z0-9_-]{70}$/;

/** A token for a device of an account: a new device unless it is known. */
export function mintDeviceToken(
  keyring: Keyring,
  userId: string,
  device: Buffer = randomBytes(ID_BYTES),
  now = Date.now(),
): string {
  const head = Buffer.alloc(HEAD_BYTES);
  device.copy(head, 0, 0, ID_BYTES);
  head.writeUInt32BE(Math.floor(now / 1000), ID_BYTES);
  return Buffer.concat([head, keyring.mac(PURPOSE, macInput(userId, head))]).toString('base64url');
}

/** The device that a token names, if it was minted for this account, and not too long ago. */
export function readDeviceToken(keyring: Keyring, userId: string, token: string, now = Date.now()): Buffer | undefined {
  if (!WIRE_FORM.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== TOKEN_BYTES) return undefined;
  const head = bytes.subarray(0, HEAD_BYTES);
  const given = bytes.subarray(HEAD_BYTES);
  const authentic = keyring.macs(PURPOSE, macInput(userId, head)).some((mac) => timingSafeEqual(mac, given));
  const age = now / 1000 - head.readUInt32BE(ID_BYTES);
  return authentic && age >= -60 && age <= DEVICE_SECONDS ? head.subarray(0, ID_BYTES) : undefined;
}

const macInput = (userId: string, head: Buffer): Buffer => Buffer.concat([Buffer.from(userId, 'hex'), head]);
