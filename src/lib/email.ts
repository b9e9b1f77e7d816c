/**
 * One spelling for each mailbox.
 *
 * Whatever a person types, the account is looked up by, kept under and written to this one spelling: where look-up and
 * delivery disagree, a reset meant for one mailbox reaches another. So an address is validated after it is normalised,
 * and a spelling that could be read in two ways is refused, not repaired.
 */
import { domainToASCII } from 'node:url';

/** The longest address that is stored, in characters. */
export const EMAIL_MAX_LENGTH = 255;
/** RFC 5321, section 4.5.3.1: octets of the part before the @. */
const LOCAL_MAX_BYTES = 64;
/** RFC 1035: octets of a domain name, as it is written with dots. */
const DOMAIN_MAX_LENGTH = 253;
/** No spelling of 255 characters needs more than this, and normalising is only done on short input. */
const INPUT_MAX_LENGTH = 1024;

/** Characters of the Halfwidth and Fullwidth Forms, and the small @: an input method's spelling of plain ones. */
const WIDTH_VARIANTS = /[\uFF01-\uFFEF\uFE6B]/g;
/** Other characters that stand for the dot between labels (UTS 46). */
const IDEOGRAPHIC_FULL_STOP = /\u3002/g;
/** Control and format characters (CR, LF, NUL, bidi controls, zero-width ones) and lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** The dot-atom of RFC 5322 with the letters of RFC 6531; no quoted strings, comments or white space. */
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-\\p{L}\\p{Mn}\\p{Mc}\\p{Nd}]+";
const LOCAL_PART = new RegExp(`^${ATOM}(?:\\.${ATOM})*$`, 'u');
/** What may reach domainToASCII: it also reads escapes and numeric addresses, which are no mail domains. */
const DOMAIN_INPUT = /^[A-Za-z0-9.\-\u0080-\u{10FFFF}]+$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ALL_DIGITS = /^[0-9]+$/;

/**
 * The stored spelling of an address (trimmed, full-width forms made plain, NFC, lower-cased, domain in ASCII by IDNA),
 * or undefined when the input is not exactly one address of at most EMAIL_MAX_LENGTH characters.
 */
export function normaliseEmail(input: string): string | undefined {
  if (input.length > INPUT_MAX_LENGTH || INVISIBLE.test(input)) return undefined;
  const plain = input
    .trim()
    .replace(WIDTH_VARIANTS, (character) => character.normalize('NFKC'))
    .replace(IDEOGRAPHIC_FULL_STOP, '.');
  const at = plain.indexOf('@');
  if (at < 0) return undefined;
  const local = normaliseLocalPart(plain.slice(0, at));
  const domain = normaliseDomain(plain.slice(at + 1));
  if (local === undefined || domain === undefined) return undefined;
  const email = `${local}@${domain}`;
  return email.length <= EMAIL_MAX_LENGTH ? email : undefined;
}

/**
 * PRECIS UsernameCaseMapped (RFC 8265). Characters with a compatibility equivalent (ligatures, superscripts, enclosed
 * letters) are refused: a mail server might fold them into somebody else's mailbox.
 */
function normaliseLocalPart(input: string): string | undefined {
  const local = input.normalize('NFC').toLowerCase().normalize('NFC');
  if (!LOCAL_PART.test(local) || local !== local.normalize('NFKC')) return undefined;
  return Buffer.byteLength(local) <= LOCAL_MAX_BYTES ? local : undefined;
}

/** At least two labels, the last one no number: so neither `localhost` nor an IP address. */
function normaliseDomain(input: string): string | undefined {
  if (!DOMAIN_INPUT.test(input)) return undefined;
  const domain = domainToASCII(input);
  const labels = domain.split('.');
  const last = labels.at(-1);
  if (labels.length < 2 || last === undefined || ALL_DIGITS.test(last)) return undefined;
  return labels.every((label) => LABEL.test(label)) && domain.length <= DOMAIN_MAX_LENGTH ? domain : undefined;
}
