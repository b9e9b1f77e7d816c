/**
 * What attackers try first. Common passwords are short and grow by habit: repeated (`qwertyqwertyqwerty`), followed or
 * led by digits and signs (`password1234567`, `!!sunshine2024!!`), two in a row (`qwertyuiopasdfgh`), spelled with
 * look-alikes (`P4$$w0rdP4$$w0rd`) or spread out (`p.a.s.s.w.o.r.d`). None of these variants is stored: they are taken
 * off again, and what remains is looked up. A phrase that merely contains a common word keeps the rest of its words,
 * and passes.
 */
import { commonLooks, foldPassword, lookOf } from './common-passwords.ts';

/** A folded text and what it looks like; a position in one is the same position in the other. */
export interface Form {
  readonly text: string;
  readonly look: string;
}

export type Forms = readonly [whole: Form] | readonly [whole: Form, joined: Form];

/** A part of a password that holds less than 8 letters or emoji, or 9 digits (so also a date), is an addition to the rest. */
const SUBSTANTIAL_WEIGHT = 72;
const LETTER_WEIGHT = 9;
const DIGIT_WEIGHT = 8;
/** `aaaa` takes one kind of step from character to character, `abcdef` one, `1212` two, `qwerty` five. */
const SUBSTANTIAL_STEPS = 5;
/** Shorter texts take few kinds of steps by chance. */
const SUBSTANTIAL_LENGTH = 8;
/** Two common passwords are fewer guesses than seven random letters; three are a phrase. */
const MAX_COMMON = 2;
const SHORTEST_RUN = 3;

/** Signs count for nothing. */
const SIGNS = /[\p{P}\p{Z}$+<=>^`|~]+/gu;
/** Those that look like no letter. */
const SEPARATORS = /(?![@!(|$+])[\p{P}\p{Z}$+<=>^`|~]/gu;
const DIGIT = /\p{Nd}/u;
const LETTER = /\p{L}/u;

/**
 * How a password can be read: as it is, and without the one sign that keeps its parts asunder. Several different signs
 * are not dropped, as between random letters they are as good as those.
 */
export function formsOf(password: string): Forms {
  const text = foldPassword(password);
  const whole = { text, look: lookOf(text) };
  if (new Set(text.match(SEPARATORS)).size !== 1) return [whole];
  const joined = text.replace(SEPARATORS, '');
  return [whole, { text: joined, look: lookOf(joined) }];
}

/** Whether a password is a common or predictable one, or a simple variant of it. */
export function isGuessable([whole, joined]: Forms): boolean {
  if (isPredictable(whole) || isMadeOfCommon(whole, MAX_COMMON)) return true;
  if (joined === undefined) return false;
  return (joined.text.length >= SUBSTANTIAL_LENGTH && isPredictable(joined)) || isMadeOfCommon(joined, MAX_COMMON);
}

/** Whether a part of a password makes the rest hardly harder to guess. */
export function addsLittle(form: Form): boolean {
  return isLight(form.text) || isMadeOfCommon(form, MAX_COMMON) || isRepeated(form);
}

/** A form without whatever looks like the word, from that position on. */
export function without({ text, look }: Form, word: string, from = 0): Form {
  const rest = { text: '', look: '' };
  let kept = 0;
  for (let at = look.indexOf(word, from); at >= 0; at = look.indexOf(word, kept)) {
    rest.text += text.slice(kept, at);
    rest.look += look.slice(kept, at);
    kept = at + word.length;
  }
  return { text: rest.text + text.slice(kept), look: rest.look + look.slice(kept) };
}

function isPredictable(form: Form): boolean {
  return countSteps(form.text) < SUBSTANTIAL_STEPS || isRepeated(form);
}

function isRepeated({ text, look }: Form): boolean {
  const period = shortestPeriod(look);
  return period * 2 <= look.length && addsLittle({ text: text.slice(0, period), look: look.slice(0, period) });
}

/**
 * Whether so many different common passwords, each as often as it comes, leave nothing but digits and signs that add
 * little, or one run of neighbours.
 */
function isMadeOfCommon(form: Form, words: number): boolean {
  const letter = form.text.search(LETTER);
  if (letter < 0) return isCommonNumber(form.text);
  // Digits and signs alone stand before the first letter, so the first common password is one that covers it.
  return (
    words > 0 &&
    commonLooks()
      .over(form.look, letter)
      .some(({ from, word }) => {
        const rest = without(form, word, from);
        // What is left at the end of `sunshinesunsh` is the next repetition, cut short.
        return isTrivial(rest.text) || word.startsWith(rest.look) || isMadeOfCommon(rest, words - 1);
      })
  );
}

/** One common password of digits, or two in a row, or one with so few digits behind it that they add little. */
function isCommonNumber(text: string): boolean {
  const digits = text.replace(SIGNS, '');
  const look = lookOf(digits);
  const lengths = commonLooks().lengthsAt(look, 0);
  return lengths.some((length) => commonLooks().has(look.slice(length)) || isLight(digits.slice(length)));
}

function isTrivial(text: string): boolean {
  return (!LETTER.test(text) && isLight(text)) || isRun(text);
}

function isLight(text: string): boolean {
  const core = text.replace(SIGNS, '');
  let weight = 0;
  for (const character of core) weight += DIGIT.test(character) ? DIGIT_WEIGHT : LETTER_WEIGHT;
  return weight < SUBSTANTIAL_WEIGHT || countSteps(core) < SUBSTANTIAL_STEPS;
}

/** `aaaa`, `abcd` or `dcba`. */
function isRun(text: string): boolean {
  const step = text.charCodeAt(1) - text.charCodeAt(0);
  if (text.length < SHORTEST_RUN || Math.abs(step) > 1) return false;
  for (let index = 2; index < text.length; index += 1)
    if (text.charCodeAt(index) - text.charCodeAt(index - 1) !== step) return false;
  return true;
}

/** How many different distances there are between neighbouring characters. */
function countSteps(text: string): number {
  return new Set(stepsOf(text)).size;
}

function stepsOf(text: string): number[] {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return points.slice(1).map((point, index) => point - (points[index] ?? 0));
}

/** The length of the shortest text whose repetition gives this one, a part of it at the end included (`abcab`: 3). */
function shortestPeriod(text: string): number {
  // Knuth, Morris, Pratt: for each beginning of the text, its longest end that is a beginning too.
  const borders = [0];
  for (let end = 1, border = 0; end < text.length; end += 1) {
    while (border > 0 && text[end] !== text[border]) border = borders[border - 1] ?? 0;
    if (text[end] === text[border]) border += 1;
    borders.push(border);
  }
  return text.length - (borders.at(-1) ?? 0);
}
