/**
 * Which passwords are accepted. Length is what counts; there are no rules about kinds of characters. Refused is what an
 * attacker tries first: what is on the list of common passwords, what is predictable, what is known about the account.
 */
import { foldPassword, isCommonPassword } from './common-passwords.ts';

/** Codes that clients see. */
export type PasswordProblem = 'too-short' | 'too-long' | 'too-common' | 'contextual' | 'lone-surrogates';

export interface PasswordRules {
  /** In code points, after NFC. */
  readonly minLength: number;
  /** In code points, after NFC: it bounds the work of hashing, not the strength. PASSWORD_MAX_LENGTH unless given. */
  readonly maxLength?: number | undefined;
  /** What an attacker knows: the name of the service, email, first and last name of the account. */
  readonly context: readonly string[];
}

/** Long enough for any phrase, short enough that hashing stays the cost of a password. */
export const PASSWORD_MAX_LENGTH = 256;

/** A part of a password that holds fewer letters, digits and emoji is an addition to the rest. Signs count for nothing. */
const SUBSTANTIAL_LENGTH = 8;
const SIGNS = /[\p{P}\p{Z}$+<=>^`|~]+/gu;
/** `aaaa` takes one kind of step from character to character, `abcdef` one, `1212` two, `qwerty` five. */
const SUBSTANTIAL_STEPS = 5;
/**
 * Words that count as context: four letters, or two where one is a syllable or a word. Shorter ones (`Ng`, `Ann`) are
 * in many good passwords by chance; they only count beside a longer one.
 */
const TELLING_WORD = /.{4}|[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]{2}/su;
const MARKS = /\p{Mn}+/gu;
const BETWEEN_WORDS = /[^\p{L}\p{M}\p{N}]+/u;
const MIN_WORD_LENGTH = 2;
const LETTER = /\p{L}/u;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Every reason to refuse a password, in a fixed order; empty when it is accepted. */
export function checkPassword(password: string, rules: PasswordRules): PasswordProblem[] {
  const length = countCodePoints(password.normalize('NFC'));
  const tooLong = length > (rules.maxLength ?? PASSWORD_MAX_LENGTH);
  const problems: PasswordProblem[] = [];
  if (length < rules.minLength) problems.push('too-short');
  if (tooLong) problems.push('too-long');
  // The searches below are for passwords, not for documents sent instead of one.
  if (!tooLong && isGuessable(foldPassword(password))) problems.push('too-common');
  if (!tooLong && isContextual(bare(password), rules.context)) problems.push('contextual');
  // UTF-8 has no form for them: passwords that differ in nothing else would have the same hash.
  if (LONE_SURROGATE.test(password)) problems.push('lone-surrogates');
  return problems;
}

/**
 * Common passwords are short, and grow by habit: repeated (`qwertyqwertyqwerty`), followed or led by digits and signs
 * (`password1234567`, `!!sunshine2024!!`), or two in a row (`qwertyuiopasdfgh`).
 */
function isGuessable(password: string): boolean {
  if (isCommonPassword(password) || countSteps(password) < SUBSTANTIAL_STEPS) return true;
  const unit = shortestPeriod(password);
  if (unit.length * 2 <= password.length && addsLittle(unit)) return true;
  for (let cut = 1; cut < password.length; cut += 1) {
    const [head, tail] = [password.slice(0, cut), password.slice(cut)];
    if ((isCommonPassword(head) && isTrivialAddition(tail)) || (isCommonPassword(tail) && isTrivialAddition(head))) {
      return true;
    }
  }
  return isDecorated(password);
}

/** A common password with digits and signs at both ends. */
function isDecorated(password: string): boolean {
  const core = /\p{L}.*\p{L}/su.exec(password);
  if (core === null || !isCommonPassword(core[0])) return false;
  return addsLittle(password.slice(0, core.index) + password.slice(core.index + core[0].length));
}

function isTrivialAddition(text: string): boolean {
  return isCommonPassword(text) || (!LETTER.test(text) && addsLittle(text));
}

/**
 * A password is contextual when a word of its context is in it, and what remains beside all such words adds little:
 * fewer than 8 letters, digits and emoji, a predictable sequence, or a common password.
 */
function isContextual(password: string, context: readonly string[]): boolean {
  const words = contextWords(context);
  const beside = removeAll(
    password,
    words.filter((word) => TELLING_WORD.test(word)),
  );
  return beside !== password && addsLittle(removeAll(beside, words));
}

/** Whole values, the part of an email before the @, and the single words of each; the longest first. */
function contextWords(context: readonly string[]): string[] {
  const values = context.map((value) => bare(value).trim());
  const people = values.map((value) => value.replace(/@[^@]*$/, ''));
  const words = [...values, ...people, ...people.flatMap((value) => value.split(BETWEEN_WORDS))];
  return [...new Set(words)]
    .filter((word) => countCodePoints(word) >= MIN_WORD_LENGTH)
    .sort((a, b) => b.length - a.length);
}

/** Without case and accents: `maria jose` is no better a password for María José than her name. */
function bare(text: string): string {
  return foldPassword(text).normalize('NFKD').replace(MARKS, '').normalize('NFC');
}

function removeAll(text: string, words: readonly string[]): string {
  return words.reduce((rest, word) => rest.replaceAll(word, ''), text);
}

function addsLittle(text: string): boolean {
  const core = text.replace(SIGNS, '');
  return countCodePoints(core) < SUBSTANTIAL_LENGTH || countSteps(core) < SUBSTANTIAL_STEPS || isCommonPassword(core);
}

function countCodePoints(text: string): number {
  return [...text].length;
}

/** How many different distances there are between neighbouring characters. */
function countSteps(text: string): number {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return new Set(points.slice(1).map((point, index) => point - (points[index] ?? 0))).size;
}

/** The shortest text whose repetition gives this one, a part of it at the end included (`abcab` → `abc`). */
function shortestPeriod(text: string): string {
  let period = 1;
  while (!text.startsWith(text.slice(period))) period += 1;
  return text.slice(0, period);
}
