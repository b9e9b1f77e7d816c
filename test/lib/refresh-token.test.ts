import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import {
  hashRefreshToken,
  isAuthentic,
  mintRefreshToken,
  type ParsedRefreshToken,
  parseRefreshToken,
  type RefreshTokenSource,
  recoverRefreshToken,
} from '../../src/lib/refresh-token.ts';

const spec = generateKeyringSpec();
const keyring = parseKeyring(spec);
const rotated = parseKeyring(`${generateKeyringSpec()},${spec}`);
const stranger = parseKeyring(generateKeyringSpec());

const source = (rotation = 0): RefreshTokenSource => ({
  sessionId: randomBytes(12).toString('hex'),
  rotation,
  seed: randomBytes(32),
});

function parse(token: string): ParsedRefreshToken {
  const parsed = parseRefreshToken(token);
  if (parsed === undefined) throw new Error('The token does not parse');
  return parsed;
}

describe('refresh tokens', () => {
  it('carry session and rotation, and are recognised by the seed of their session', () => {
    const sources = fc.record({
      sessionId: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((id) => Buffer.from(id).toString('hex')),
      rotation: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    });
    fc.assert(
      fc.property(sources, ({ sessionId, rotation, seed }) => {
        const token = mintRefreshToken(keyring, { sessionId, rotation, seed });
        const parsed = parse(token);
        expect(token).toMatch(/^[A-Za-z0-9_-]{64}$/);
        expect(parsed).toMatchObject({ sessionId, rotation });
        expect(isAuthentic(keyring, parsed, seed)).toBe(true);
      }),
    );
  });

  it('are the same for the same rotation, and unlike for any other', () => {
    const first = source();
    const tokens = [first, { ...first, rotation: 1 }, { ...first, seed: randomBytes(32) }, source()].map((one) =>
      mintRefreshToken(keyring, one),
    );
    expect(mintRefreshToken(keyring, first)).toBe(tokens[0]);
    expect(new Set(tokens.map((token) => parse(token).secret.toString('hex'))).size).toBe(4);
  });

  it('cannot be altered in any bit, nor passed off as another rotation, session or key', () => {
    const made = source(7);
    const token = mintRefreshToken(keyring, made);
    fc.assert(
      fc.property(fc.nat(47), fc.nat(7), (index, bit) => {
        const bytes = Buffer.from(token, 'base64url');
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        expect(isAuthentic(keyring, parse(bytes.toString('base64url')), made.seed)).toBe(false);
      }),
    );
    expect(isAuthentic(keyring, { ...parse(token), rotation: 8 }, made.seed)).toBe(false);
    expect(isAuthentic(keyring, parse(token), randomBytes(32))).toBe(false);
    expect(isAuthentic(stranger, parse(token), made.seed)).toBe(false);
  });

  it('need the keyring: what the database holds is not enough to derive one', () => {
    const made = source();
    expect(mintRefreshToken(stranger, made)).not.toBe(mintRefreshToken(keyring, made));
  });

  it('survive a rotation of the keyring, and a retry still gets the same successor', () => {
    const made = source(3);
    const token = mintRefreshToken(keyring, made);
    expect(isAuthentic(rotated, parse(token), made.seed)).toBe(true);
    expect(mintRefreshToken(rotated, made)).not.toBe(token);
    expect(recoverRefreshToken(rotated, made, hashRefreshToken(token))).toBe(token);
    expect(recoverRefreshToken(stranger, made, hashRefreshToken(token))).toBeUndefined();
  });

  it.each(['', 'x', 'a'.repeat(63), 'a'.repeat(65), `${'a'.repeat(63)}=`, `${'a'.repeat(63)}+`, `${'a'.repeat(64)}\n`])(
    'do not parse from %j',
    (malformed) => {
      expect(parseRefreshToken(malformed)).toBeUndefined();
    },
  );

  it('refuse a source out of shape', () => {
    const good = source();
    for (const bad of [
      { ...good, sessionId: good.sessionId.slice(1) },
      { ...good, sessionId: good.sessionId.toUpperCase().replace(/\d/g, 'A') },
      { ...good, rotation: -1 },
      { ...good, rotation: 1.5 },
      { ...good, rotation: 2 ** 32 },
      { ...good, seed: randomBytes(31) },
    ]) {
      expect(() => mintRefreshToken(keyring, bad)).toThrow(RangeError);
    }
  });

  it('are stored as a hash that does not contain them', () => {
    const token = mintRefreshToken(keyring, source());
    expect(hashRefreshToken(token)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(hashRefreshToken('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});
