/**
 * Which passwords are accepted. Length is what counts; there are no rules about kinds of characters. Refused is what an
 * attacker tries first: what is on the list of common passwords, what is predictable, what is known about the account.
 */
import { domainToUnicode } from 'node:url';
import { foldPassword } from './common-passwords.ts';
import { addsLittle, type Form, type Forms, formsOf, isGuessable, without } from './guessable.ts';

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

/**
 * Words that count as context: four letters, or two where one is a syllable or a word. Shorter ones (`Ng`, `Ann`) are
 * in many good passwords by chance; they only count beside a longer one.
 */
const TELLING_WORD = /.{4}|[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]{2}/su;
const EMAIL = /^(.*)@([^@]*)$/su;
const BETWEEN_WORDS = /[^\p{L}\p{M}\p{N}]+/u;
const MIN_WORD_LENGTH = 2;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Every reason to refuse a password, in a fixed order; empty when it is accepted. */
export function checkPassword(password: string, rules: PasswordRules): PasswordProblem[] {
  const length = countCodePoints(password.normalize('NFC'));
  const tooLong = length > (rules.maxLength ?? PASSWORD_MAX_LENGTH);
  const problems: PasswordProblem[] = [];
  if (length < rules.minLength) problems.push('too-short');
  // The searches below are for passwords, not for documents sent instead of one.
  if (tooLong) problems.push('too-long');
  else {
    const forms = formsOf(password);
    if (isGuessable(forms)) problems.push('too-common');
    if (isContextual(forms, contextWords(rules.context))) problems.push('contextual');
  }
  // UTF-8 has no form for them: passwords that differ in nothing else would have the same hash.
  if (LONE_SURROGATE.test(password)) problems.push('lone-surrogates');
  return problems;
}

/**
 * A password is contextual when a word of its context is in it, however it is spelled, and what remains beside all such
 * words adds little: fewer than 8 letters or emoji or 9 digits, a predictable sequence, or common passwords.
 */
function isContextual(forms: Forms, words: readonly string[]): boolean {
  const telling = words.filter((word) => TELLING_WORD.test(word));
  return [...forms].some((form) => {
    const beside = withoutAll(form, telling);
    return beside.text !== form.text && addsLittle(withoutAll(beside, words));
  });
}

function withoutAll(form: Form, words: readonly string[]): Form {
  return words.reduce((rest, word) => without(rest, word), form);
}

/**
 * The looks of whole values, of the part of an email before the @ and of the labels of its domain but the last, and of
 * the single words of each; the longest first.
 */
function contextWords(context: readonly string[]): string[] {
  const values = context.map((value) => foldPassword(value).trim());
  const parts = values.flatMap((value) => {
    const [, local = value, domain = ''] = EMAIL.exec(value) ?? [];
    return [local, ...domainToUnicode(domain).split('.').slice(0, -1)];
  });
  const words = [...values, ...parts, ...parts.flatMap((part) => part.split(BETWEEN_WORDS))];
  return [...new Set(words.flatMap((word) => formsOf(word).map(({ look }) => look)))]
    .filter((look) => countCodePoints(look) >= MIN_WORD_LENGTH)
    .sort((a, b) => b.length - a.length);
}

function countCodePoints(text: string): number {
  return [...text].length;
}
