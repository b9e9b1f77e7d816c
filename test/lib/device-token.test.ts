import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEVICE_SECONDS, mintDeviceToken, readDeviceToken } from '../../src/lib/device-token.ts';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';

const old = generateKeyringSpec();
const keyring = parseKeyring(old);
const userId = '665f1c2e9b1e8a0012345678';

describe('a device token', () => {
  it('names its device to the account that it was minted for, and to no other', () => {
    const token = mintDeviceToken(keyring, userId);
    const device = readDeviceToken(keyring, userId, token);
    expect(device).toHaveLength(16);
    expect(readDeviceToken(keyring, '665f1c2e9b1e8a0012345679', token)).toBeUndefined();
    expect(readDeviceToken(keyring, userId, mintDeviceToken(keyring, userId, device))).toEqual(device);
  });

  it('works under any key of the ring, and none under another ring', () => {
    const token = mintDeviceToken(keyring, userId);
    expect(readDeviceToken(parseKeyring(`${generateKeyringSpec()},${old}`), userId, token)).toHaveLength(16);
    expect(readDeviceToken(parseKeyring(generateKeyringSpec()), userId, token)).toBeUndefined();
  });

  it('is a stranger again after half a year, and never from the future', () => {
    // To the second, as tokens have it.
    const now = Math.floor(Date.now() / 1000) * 1000;
    const token = mintDeviceToken(keyring, userId, undefined, now);
    expect(readDeviceToken(keyring, userId, token, now + DEVICE_SECONDS * 1000)).toHaveLength(16);
    expect(readDeviceToken(keyring, userId, token, now + (DEVICE_SECONDS + 2) * 1000)).toBeUndefined();
    expect(readDeviceToken(keyring, userId, token, now - 120_000)).toBeUndefined();
  });

  it('has no other spelling, and no byte of it may change', () => {
    const token = mintDeviceToken(keyring, userId);
    fc.assert(
      fc.property(fc.nat(69), fc.constantFrom('A', 'B', 'z', '_', '-', '='), (at, letter) => {
        const other = token.slice(0, at) + letter + token.slice(at + 1);
        if (other === token) return;
        const read = readDeviceToken(keyring, userId, other);
        // The last letter has four bits that count for nothing.
        if (at === 69 && Buffer.from(other, 'base64url').equals(Buffer.from(token, 'base64url'))) return;
        expect(read).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(readDeviceToken(keyring, userId, text)).toBeUndefined();
      }),
    );
  });
});
