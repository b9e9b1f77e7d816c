import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WordList } from '../../src/lib/word-list.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '~', ' ', 'é', '🐎'), maxLength: 12 });
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '~', ' '), minLength: 1, maxLength: 6 });

it('finds exactly the words that stand at a position', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), text, (words, found) => {
      const list = new WordList(words);
      expect(list.size).toBe(new Set(words).size);
      for (const one of [...words, found]) expect(list.has(one)).toBe(words.includes(one));
      for (let at = 0; at <= found.length; at += 1) {
        const lengths = [...new Set(words)].filter((one) => found.startsWith(one, at)).map(({ length }) => length);
        expect(list.lengthsAt(found, at)).toEqual(lengths.sort((a, b) => a - b));
      }
    }),
  );
});

it('finds exactly the words that cover a position', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), text, fc.nat(11), (words, found, position) => {
      fc.pre(position < found.length);
      const places = [...new Set(words)].flatMap((one) =>
        Array.from(one, (_, offset) => ({ from: position - offset, word: one })),
      );
      const covering = places.filter(({ from, word }) => from >= 0 && found.startsWith(word, from));
      const byPlace = (a: { from: number; word: string }, b: typeof a) =>
        a.from - b.from || a.word.length - b.word.length;
      expect(new WordList(words).over(found, position)).toEqual(covering.sort(byPlace));
    }),
  );
});

it('may be empty, and takes ASCII alone', () => {
  expect(new WordList([]).has('')).toBe(false);
  expect(new WordList([]).over('abc', 1)).toEqual([]);
  expect(() => new WordList(['straße'])).toThrow(RangeError);
});
