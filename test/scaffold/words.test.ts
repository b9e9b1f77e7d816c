import { describe, expect, it } from 'vitest';
import { singularOf, withArticle } from '../../src/scaffold/words.ts';

describe('the singular', () => {
  it.each([
    ['invoices', 'invoice'],
    ['categories', 'category'],
    ['boxes', 'box'],
    ['branches', 'branch'],
    ['addresses', 'address'],
    ['expenses', 'expense'],
    ['line-items', 'line-item'],
    ['movies', 'movie'],
    ['web-cookies', 'web-cookie'],
    ['caches', 'cache'],
    ['coaches', 'coach'],
    ['pies', 'pie'],
    ['line-pies', 'line-pie'],
    ['photos', 'photo'],
    ['licenses', 'license'],
    ['days', 'day'],
  ])('of %s is %s', (plural, singular) => expect(singularOf(plural)).toBe(singular));

  it.each([
    ...['series', 'status', 'analysis', 'glass', 'sheep', 'children', 'buses', 'quizzes', 'news', 'canvas'],
    ...['axes', 'heroes', 'shoes', 'shelves', 'archives', 'lenses', 'contact-lenses', 'indices'],
  ])('of %s is for a person to say', (plural) => expect(singularOf(plural)).toBeUndefined());
});

it.each([
  ...['an invoice', 'a line item', 'an hour', 'an honour', 'a house', 'a unit', 'a user', 'a usage', 'a university'],
  ...['a utility', 'a url', 'a uuid', 'a euro', 'a one-time code', 'an onion', 'an upload', 'an urgent call'],
  ...['an unindexed page', 'an unimportant one', 'an usher', 'an utterance', 'an unidentified one'],
])('says %s', (text) => expect(withArticle(text.replace(/^an? /, ''))).toBe(text));
