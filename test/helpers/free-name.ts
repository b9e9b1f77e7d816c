import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const isTaken = (singular: string): boolean =>
  existsSync(fileURLToPath(new URL(`../../src/models/${singular}.ts`, import.meta.url)));

/** The name of a collection that there is none of yet: these tests run in a repository that has been extended as well. */
export function freeName(singular: string): string {
  // No number at the end: the command would ask what one of other-invoice-0s is.
  const name = [0, 1, 2, 3].map((times) => 'other-'.repeat(times) + singular).find((each) => !isTaken(each));
  if (name === undefined) throw new Error(`all names like ${singular} are taken`);
  return name;
}
