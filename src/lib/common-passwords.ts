/**
 * The list of common passwords: 49,233 entries that attackers try first.
 *
 * Built at the first look-up. The package keeps its entries as slices of one text; the set over them adds 1.4 MB
 * and 5 ms, once for the process.
 */
import { dictionary } from '@zxcvbn-ts/language-common';

let entries: ReadonlySet<string> | undefined;

/** Whether a password is on the list, whatever its case and width (`ＰＡＳＳＷＯＲＤ` is `password`). */
export function isCommonPassword(password: string): boolean {
  // Every entry of the list is lower-case ASCII; a test holds the package to that.
  entries ??= new Set(dictionary['passwords-common']);
  return entries.has(foldPassword(password));
}

/** The form in which passwords are compared with words: never the one in which they are hashed. */
export function foldPassword(password: string): string {
  return password.normalize('NFKC').toLowerCase();
}
