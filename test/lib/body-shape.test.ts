import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pointerTo, shapeProblem } from '../../src/lib/body-shape.ts';

/** What a pointer points to, by RFC 6901. */
function resolvePointer(root: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], root);
}

const FORBIDDEN = /^(__proto__|constructor|prototype|\$.*|.*\..*)$/s;

const harmlessKey = fc.string({ unit: 'grapheme' }).filter((key) => !FORBIDDEN.test(key));
const harmless = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.string({ unit: 'grapheme' }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    tie('object'),
    fc.array(tie('value'), { maxLength: 5 }),
  ),
  object: fc.dictionary(harmlessKey, tie('value'), { maxKeys: 5 }),
})).object;

describe('the shape of a body', () => {
  it('is fine for any JSON of harmless keys and Unicode text', () => {
    fc.assert(fc.property(harmless, (body) => shapeProblem(JSON.parse(JSON.stringify(body))) === undefined));
  });

  it('is found wrong wherever a forbidden key stands, and points there', () => {
    const keys = fc.constantFrom('__proto__', 'constructor', 'prototype', '$where', 'a.b', '.', '$');
    fc.assert(
      fc.property(harmless, fc.array(harmlessKey, { maxLength: 6 }), keys, (body, path, key) => {
        const bad = path.reduceRight(
          (inner, name) => `{${JSON.stringify(name)}:${inner}}`,
          `{${JSON.stringify(key)}:7}`,
        );
        const parsed = JSON.parse(`[${JSON.stringify(body)},${bad}]`);
        const problem = shapeProblem(parsed);
        expect(problem?.code).toBe('forbidden-key');
        expect(resolvePointer(parsed, problem?.pointer ?? '')).toBe(7);
      }),
    );
  });

  it('is bounded in depth and in number', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 'x' : [nested(depth - 1)]);
    expect(shapeProblem(nested(32))).toBeUndefined();
    expect(shapeProblem(nested(33))).toMatchObject({ code: 'too-deep' });
    expect(shapeProblem(Array.from({ length: 2000 }, () => 1))).toBeUndefined();
    expect(shapeProblem(Array.from({ length: 2001 }, () => 1))).toMatchObject({ code: 'too-many' });
  });

  it('knows half a surrogate pair from a whole one', () => {
    expect(shapeProblem({ a: '😀', '😀': 1 })).toBeUndefined();
    expect(shapeProblem({ a: '\ud83d' })).toMatchObject({ pointer: '/a', code: 'lone-surrogate' });
    expect(shapeProblem('\ude00\ud83d')).toMatchObject({ pointer: '', code: 'lone-surrogate' });
  });

  it('escapes keys as pointers do', () => {
    expect(pointerTo('/a', 'b/c~d')).toBe('/a/b~1c~0d');
    expect(pointerTo('', 0)).toBe('/0');
  });
});
