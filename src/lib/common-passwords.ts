/**
 * The list of common passwords: 49,233 entries that attackers try first, each with the look-alikes of its letters.
 *
 * It is read from the package's data file at the first look-up, as the package's own module would keep every entry as
 * a string for good. `npm run bench:blocklist` tells what it takes.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { WordList } from './word-list.ts';

const { resolve } = createRequire(import.meta.url);

/** What digits and signs stand for, and letters that share a digit: `p4$$w0rd` and `pa5sword` both look like `password`. */
const LOOKS: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '8': 'b',
  '(': 'c',
  '3': 'e',
  '€': 'e',
  '6': 'g',
  '9': 'g',
  '!': 'l',
  '1': 'l',
  '|': 'l',
  i: 'l',
  ı: 'l',
  '0': 'o',
  $: 's',
  '5': 's',
  '+': 't',
  '7': 't',
  '2': 'z',
};
const LOOK_ALIKES = /[@48(3€69!1|iı0$5+72]/gu;
const MARKS = /\p{Mn}+/gu;

let looks: WordList | undefined;

/** The looks of all common passwords. */
export function commonLooks(): WordList {
  looks ??= new WordList(readEntries().map(lookOf));
  return looks;
}

function readEntries(): string[] {
  return JSON.parse(readFileSync(resolve('@zxcvbn-ts/language-common/src/passwords.json'), 'utf8')) as string[];
}

/**
 * The form in which passwords and words are compared, never the one in which they are hashed: without case, width and
 * accents, as `maria jose` is no better a password for María José than her name.
 */
export function foldPassword(password: string): string {
  return password.normalize('NFKC').toLowerCase().normalize('NFKD').replace(MARKS, '').normalize('NFC');
}

/** What a folded text looks like, character by character: two spellings of one word have one look. */
export function lookOf(folded: string): string {
  return folded.replace(LOOK_ALIKES, (character) => LOOKS[character] ?? character);
}
