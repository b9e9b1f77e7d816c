import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameKey, sanitiseName } from '../../src/lib/names.ts';

/** Characters that matter to the rules, so that random text meets them often. */
const hostile = fc.string({
  unit: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...'<<<>>/!?ab =\'"&;', ' ', '\t', '\n', '\u00a0', '\u0085', '\u2028') },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        ...['\u200b', '\u200c', '\u200d', '\u202e', '\u2066', '\ufeff', '\u00ad', '\u0000', '\ud800', '\udc00'],
        ...['\u0301', '\u0338', '\ufe0f', '\u034f', '\u3164', '\u2800', '\u{e0061}', '👩', '🏽', 'ß', 'İ', 'Σ', '한'],
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  ),
  maxLength: 40,
});

describe('sanitiseName', () => {
  it.each([
    "O'Brien",
    'Jean-Luc',
    '李小龙',
    'María José',
    'Ng',
    'Łukasz',
    'Nguyễn Thị Minh Khai',
    'Владимир',
    'أحمد',
    'יוסף',
    'สมชาย',
    '김철수',
    'Martin Luther King, Jr.',
    'Sr. & Sra. Núñez',
    'D’Angelo',
    'Ọlábísí',
    'Ḥasan al-ʿAṭṭār',
    "Ka'ahumanu",
    'X Æ A-12',
    'Zoë "Z" Smith',
    'I <3 NY',
    'a < b > c',
    '1 <2',
    'می\u200cخواهم', // Persian: a zero-width non-joiner inside the word
    'രമേശന\u0d4d\u200d', // Malayalam: a joiner at the very end makes the chillu form
    'ක\u0dca\u200dර', // Sinhala: a joiner makes the conjunct
    '👩\u200d👩\u200d👧',
    '👩🏽\u200d🚀',
    '❤\ufe0f\u200d🔥',
    '邊\u{e0100}', // a variation selector tells which form of the character the family uses
  ])('leaves %j byte for byte', (name) => {
    expect(Buffer.from(sanitiseName(name))).toEqual(Buffer.from(name));
  });

  it.each([
    ['  Ann \t\r\n  Smith\u00a0\u3000', 'Ann Smith'],
    ['Jose\u0301', 'José'],
    ['<b>Ann</b>', 'Ann'],
    ['Ann<br/>', 'Ann'],
    ['Ann<!-- hidden -->', 'Ann'],
    ['<script>alert(1)</script>Ann', 'alert(1)Ann'],
    ['Ann <img src=x onerror=alert(1)', 'Ann'],
    ['Ann </div', 'Ann'],
    ['<<b>script>alert(1)<</b>/script>', 'script>alert(1)/script>'],
    ['<\u0000script\u202e>Ann', 'Ann'],
    ['<\u200dimg src=x>Ann', 'Ann'],
    ['Ann <', 'Ann'],
    ['Ann < < <', 'Ann'],
    ['Ann <<b>', 'Ann'],
    ['e<i>\u0301', 'é'],
    ['\u202eAnn\u202c \u2066Smith\u2069', 'Ann Smith'],
    ['\u200eAnn\u061c', 'Ann'],
    ['A\u200bn\u00adn\ufeff', 'Ann'],
    ['\u200dAnn \u200cSmith', 'Ann Smith'],
    ['A\u200d\u200d\u200cB', 'A\u200dB'],
    ['Ann\u0007\u001b[31m', 'Ann[31m'],
    ['Ann\u2028Smith\u0085Jones', 'Ann Smith Jones'],
    ['Ann\ud800', 'Ann'],
    ['Ann\u{e0041}\u{e0042}', 'Ann'],
    ['', ''],
    [' \u200d\u3164\u2800\ufe0f ', ''],
    ['\u0301', ''],
    ['<b></b>', ''],
  ])('makes %j into %j', (input, stored) => {
    expect(sanitiseName(input)).toBe(stored);
  });

  it('is idempotent', () => {
    fc.assert(
      fc.property(hostile, (input) => {
        const once = sanitiseName(input);
        expect(sanitiseName(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves nothing that opens a tag, wherever two names meet in a page', () => {
    fc.assert(
      fc.property(hostile, hostile, (first, last) => {
        expect(sanitiseName(first) + sanitiseName(last)).not.toMatch(/<[a-z/!?]/i);
      }),
      { numRuns: 2000 },
    );
  });

  it('is trimmed, single-spaced, NFC and free of controls', () => {
    fc.assert(
      fc.property(hostile, (input) => {
        const name = sanitiseName(input);
        expect(name).not.toMatch(/^\s|\s$|\s{2}|[^\S ]/u);
        expect(name).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u200b\ufeff]/u);
        expect(name.normalize('NFC')).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['<', '<b>', '< ', ' <a', '\u200d', '>', '<<b>a>', ' \u0301'])(
    'takes linear time for %j repeated',
    (unit) => {
      const time = (length: number): number => {
        const input = `x${unit.repeat(length / unit.length)}x`;
        const start = performance.now();
        sanitiseName(input);
        return performance.now() - start;
      };
      time(1_000);
      expect(time(200_000)).toBeLessThan(500); // a quadratic pass would take minutes
    },
  );
});

describe('nameKey', () => {
  it('ignores case and Unicode form, and is idempotent', () => {
    expect(nameKey('MARÍA José')).toBe('maría josé');
    expect(nameKey("O'BRIEN")).toBe("o'brien");
    fc.assert(
      fc.property(hostile.map(sanitiseName), (name) => {
        expect(nameKey(nameKey(name))).toBe(nameKey(name));
      }),
    );
  });

  it('keeps the key of a prefix a prefix of the key, also where a sigma is last', () => {
    expect(nameKey('ΟΔΥΣΣΕΑΣ').startsWith(nameKey('ΟΔΥΣ'))).toBe(true);
    expect(nameKey('Οδυσσέας')).toBe(nameKey('ΟΔΥΣΣΈΑΣ'));
  });
});
