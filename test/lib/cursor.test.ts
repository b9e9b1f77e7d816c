import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CursorPosition, decodeCursor, encodeCursor } from '../../src/lib/cursor.ts';

const scope = 'users:{"sort":"-createdAt","status":"active"}';
const id = '665f1c2ab7e4d1a2b3c4d5e6';
const positions: fc.Arbitrary<CursorPosition> = fc.record({
  key: fc.oneof(fc.string({ unit: 'binary', maxLength: 255 }), fc.date({ noInvalidDate: true })),
  id: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('hex')),
});

/** What somebody who has read the source could send. */
function forge(payload: string): string {
  const json = Buffer.from(payload);
  const scopeHash = createHash('sha256').update(scope).digest();
  const sum = createHash('sha256').update(scopeHash).update(json).digest().subarray(0, 12);
  return Buffer.concat([sum, json]).toString('base64url');
}

describe('cursors', () => {
  it('come back as the position they were made of, and are safe in a URL', () => {
    fc.assert(
      fc.property(positions, fc.string(), (position, anyScope) => {
        const cursor = encodeCursor(position, anyScope);
        expect(encodeURIComponent(cursor)).toBe(cursor);
        expect(decodeCursor(cursor, anyScope)).toEqual(position);
      }),
    );
  });

  it('are refused under any other scope', () => {
    fc.assert(
      fc.property(positions, fc.string(), (position, other) => {
        fc.pre(other !== scope);
        expect(decodeCursor(encodeCursor(position, scope), other)).toBeUndefined();
      }),
    );
  });

  it('are refused when any bit is flipped, or anything is cut or added', () => {
    fc.assert(
      fc.property(positions, fc.nat(), fc.nat(7), (position, place, bit) => {
        const cursor = encodeCursor(position, scope);
        const bytes = Buffer.from(cursor, 'base64url');
        const index = place % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        expect(decodeCursor(bytes.toString('base64url'), scope)).toBeUndefined();
        expect(decodeCursor(cursor.slice(0, place % cursor.length), scope)).toBeUndefined();
        expect(decodeCursor(`${cursor}A`, scope)).toBeUndefined();
        expect(decodeCursor(`${cursor}=`, scope)).toBeUndefined();
      }),
    );
  });

  it('are refused, not thrown at, whatever text is sent instead', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
        expect(decodeCursor(text, scope)).toBeUndefined();
      }),
    );
    expect(decodeCursor('A'.repeat(5000), scope)).toBeUndefined();
  });

  it.each([
    'not json',
    'null',
    '{}',
    '[]',
    `["key","${id}","more"]`,
    `["key","${id.toUpperCase()}"]`,
    '["key",{"$gt":""}]',
    '["key",["665f1c2ab7e4d1a2b3c4d5e6"]]',
    `[{"$gt":""},"${id}"]`,
    `[null,"${id}"]`,
    `[true,"${id}"]`,
    `[1e300,"${id}"]`,
  ])('of a forged checksum still carry a position only: %s', (payload) => {
    expect(decodeCursor(forge(payload), scope)).toBeUndefined();
    expect(decodeCursor(forge(`["key","${id}"]`), scope)).toEqual({ key: 'key', id });
  });

  it('are not made of a position out of shape', () => {
    for (const bad of [
      { key: 'a', id: 'short' },
      { key: new Date(Number.NaN), id },
      { key: 'x'.repeat(5000), id },
    ]) {
      expect(() => encodeCursor(bad, scope)).toThrow(RangeError);
    }
  });
});
