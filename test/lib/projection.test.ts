import { expect, it } from 'vitest';
import { isPlain, projected } from '../../src/lib/projection.ts';

const document = { _id: 1, a: 2, b: 3, c: 4 };

it.each([
  [{}, document],
  [undefined, document],
  [{ a: 1 }, { _id: 1, a: 2 }],
  [
    { _id: 0, a: 1, b: 1 },
    { a: 2, b: 3 },
  ],
  [{ b: 0 }, { _id: 1, a: 2, c: 4 }],
  [{ _id: 0 }, { a: 2, b: 3, c: 4 }],
])('%o is chosen of the document as the database would', (projection, left) => {
  expect(isPlain(projection)).toBe(true);
  expect(projected(document, projection)).toEqual(left);
});

it.each([{ 'a.b': 1 }, { a: 1, b: 0 }, { a: { $slice: 1 } }, { a: '$b' }, { a: 1, b: { $meta: 'x' } }])(
  '%o is the database to choose',
  (projection) => expect(isPlain(projection)).toBe(false),
);
