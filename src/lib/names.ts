/**
 * Names of people: kept as they are written, without what is no part of a name.
 *
 * Nothing is entity-encoded: encoding belongs to whoever shows the name. But not every client will, so a stored name
 * must be harmless as HTML text, and must not rearrange the text around it.
 */

/** White space in the widest sense: also the next-line control and the blank Braille pattern. */
const WHITE_SPACE = /[\s\u0085\u2800]+/gu;
/** Joins nothing and spaces nothing, although `\s` counts it as white space. */
const BYTE_ORDER_MARK = /\uFEFF/g;
/**
 * Controls, lone surrogates, non-characters and everything invisible (bidirectional controls, zero-width spaces, tags,
 * fillers), except what shapes its neighbours: the two joiners, which Persian, the scripts of India and emoji need,
 * the fillers of Korean syllables, and marks such as the variation selectors, which names in Han characters need.
 */
const NO_PART_OF_A_NAME =
  /(?![\u200C\u115F\u1160\p{M}]|\u200D)[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB]/gu;
/** A joiner after nothing it could join: at the start, after a space or joiner, or after an ASCII sign (such as `<`). */
const STRAY_JOINER = /(?<![A-Za-z0-9]|[^\p{ASCII}\s\u200C\u200D])[\u200C\u200D]/gu;
/**
 * By the HTML standard, `<` opens a tag, comment or declaration exactly when a letter, `/`, `!` or `?` follows. It ends
 * at the next `>`, or else swallows the rest: an unclosed tag would be closed by the page around the name.
 * Consuming the whole run of `<` leaves none behind that could open what follows, and makes one pass enough.
 */
const ANGLE_BRACKETS = /<+([a-z/!?][^>]*>?)?/gi;
/** A last `<` compares nothing, and would open a tag with whatever a page puts after the name. */
const OPEN_END = /(?<![<\s])[<\s]+$/u;
const VISIBLE = /[^\s\p{M}\p{Default_Ignorable_Code_Point}]/u;

/**
 * A name as it is stored: NFC, trimmed, white space collapsed to single spaces, markup and invisible controls removed.
 * `<` and `>` that open no tag stay (`I <3 NY`, `a < b`). Idempotent. Empty when nothing visible is left; the length is
 * for the caller to check, on the result.
 */
export function sanitiseName(input: string): string {
  const text = withoutInvisible(input)
    .replace(ANGLE_BRACKETS, (brackets, markup?: string) => (markup === undefined ? brackets : ''))
    .replace(WHITE_SPACE, ' ')
    .replace(OPEN_END, '')
    .trim()
    .normalize('NFC');
  return VISIBLE.test(text) ? text : '';
}

const withoutInvisible = (input: string): string =>
  input.replace(BYTE_ORDER_MARK, '').replace(WHITE_SPACE, ' ').replace(NO_PART_OF_A_NAME, '').replace(STRAY_JOINER, '');

/** Any text as one line of visible characters, markup left as it is: safe in a header, and it rearranges nothing. */
export const singleLine = (input: string): string =>
  withoutInvisible(input).replace(WHITE_SPACE, ' ').trim().normalize('NFC');

/** The key by which a (sanitised) name is searched: lower-cased, with one form of sigma, so that prefixes match. */
export function nameKey(name: string): string {
  return name.toLowerCase().replaceAll('ς', 'σ').normalize('NFC');
}

/** What whole names are compared by, in whatever case and spacing they are written: `WEISS` is `Weiß`. */
export const wholeNameKey = (name: string): string => nameKey(sanitiseName(name).toUpperCase());
