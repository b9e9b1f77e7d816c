import { expect, it } from 'vitest';
import { FirstLines } from '../../src/import/first-lines.ts';

it('remembers the first line of each of many emails, and of no other', () => {
  const lines = new FirstLines();
  const emails = Array.from({ length: 20_000 }, (_, index) => `person.${index}@example.com`);
  for (const [index, email] of emails.entries()) expect(lines.noteOrFind(email, index + 1)).toBeUndefined();
  for (const [index, email] of emails.entries()) expect(lines.noteOrFind(email, 99_999)).toBe(index + 1);
  expect(lines.noteOrFind('someone.else@example.com', 7)).toBeUndefined();
});
