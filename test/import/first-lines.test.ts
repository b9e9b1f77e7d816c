import { expect, it } from 'vitest';
import { FirstLines } from '../../src/import/first-lines.ts';

it('remembers the first line of each of many emails, and of no other', () => {
  const lines = new FirstLines();
  const emails = Array.from({ length: 20_000 }, (_, index) => `person.${index}@example.com`);
  const first = emails.map((email, index) => lines.noteOrFind(email, index + 1));
  expect(first.every((line) => line === undefined)).toBe(true);
  const again = emails.map((email) => lines.noteOrFind(email, 99_999));
  expect(again).toEqual(emails.map((_, index) => index + 1));
  expect(lines.noteOrFind('someone.else@example.com', 7)).toBeUndefined();
});
