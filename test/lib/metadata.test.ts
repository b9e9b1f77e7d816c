import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkMetadata, METADATA_LIMITS } from '../../src/lib/metadata.ts';

const nested = (depth: number): unknown => (depth === 0 ? 'end' : { deeper: nested(depth - 1) });

describe('checkMetadata', () => {
  it.each([
    {},
    { plan: 'pro', seats: 5, trial: false, note: null, tags: ['a', 'b'], address: { city: '東京' } },
    { 'key with spaces': 1, price$: 2, ключ: '🙂', constructors: true, toString: 'own', hasOwnProperty: 1 },
    { quoted: 'values may hold $operators, dots. and __proto__' },
    nested(METADATA_LIMITS.depth),
    JSON.parse('{"a": [[{}]]}'),
    Object.assign(Object.create(null), { fine: true }),
  ])('accepts %j', (value) => {
    expect(checkMetadata(value)).toBeUndefined();
  });

  it.each([undefined, null, 'text', 5, true, [], ['a'], new Date(), new Map(), () => 1])(
    'refuses %s: no object',
    (value) => {
      expect(checkMetadata(value)).toBe('Metadata must be a JSON object');
    },
  );

  it.each(['$where', '$', 'a.b', '.', '__proto__', 'constructor', 'prototype', '', 'nul\u0000', '\ud800'])(
    'refuses the key %j at every level, objects in arrays included',
    (key) => {
      const hostile: unknown = JSON.parse(`{${JSON.stringify(key)}: {"polluted": true}}`);
      for (const value of [hostile, { a: hostile }, { a: { b: hostile } }, { a: [hostile] }, { a: [[hostile]] }]) {
        expect(checkMetadata(value)).toMatch(/key/);
      }
      expect(Object.prototype).not.toHaveProperty('polluted');
    },
  );

  it.each([
    [{ a: undefined }, 'A value is not of a JSON type'],
    [{ a: new Date() }, 'A value is not of a JSON type'],
    [{ a: 10n }, 'A value is not of a JSON type'],
    [{ a: Array(3) }, 'A value is not of a JSON type'],
    [{ a: Number.NaN }, 'A number is not finite'],
    [{ a: Number.POSITIVE_INFINITY }, 'A number is not finite'],
    [{ a: ['broken \udfff'] }, 'A text contains a lone surrogate'],
  ])('refuses what JSON cannot carry', (value, problem) => {
    expect(checkMetadata(value)).toBe(problem);
  });

  it('bounds the depth, without running out of stack', () => {
    expect(checkMetadata(nested(METADATA_LIMITS.depth + 1))).toMatch(/deeper than 4 levels/);
    expect(checkMetadata(JSON.parse(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`))).toMatch(/deeper than 4/);
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(checkMetadata(circular)).toMatch(/deeper than 4/);
  });

  it('bounds the size in bytes of UTF-8, not in characters', () => {
    const room = METADATA_LIMITS.bytes - '{"a":""}'.length;
    expect(checkMetadata({ a: 'x'.repeat(room) })).toBeUndefined();
    expect(checkMetadata({ a: 'x'.repeat(room + 1) })).toMatch(/takes 4097 bytes/);
    expect(checkMetadata({ a: 'ü'.repeat(room / 2) })).toBeUndefined();
    expect(checkMetadata({ a: 'ü'.repeat(room / 2 + 1) })).toMatch(/at most 4096/);
  });

  it('does not repeat a long key', () => {
    expect(checkMetadata({ [`$${'x'.repeat(3000)}`]: 1 })?.length).toBeLessThan(100);
  });

  it('accepts only what survives a round trip through JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5 })), (value) => {
        if (checkMetadata(value) !== undefined) return;
        expect(JSON.stringify(JSON.parse(Buffer.from(JSON.stringify(value)).toString()))).toBe(JSON.stringify(value));
      }),
    );
  });
});
