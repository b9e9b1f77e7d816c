/**
 * The PHC string format, `$id$name=value,…$salt$digest`, in which every hash but bcrypt's is kept. Salt and digest are
 * base64 without padding.
 */
import { timingSafeEqual } from 'node:crypto';

export interface PhcString {
  readonly id: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly salt: Buffer;
  readonly digest: Buffer;
}

const PHC = /^\$([a-z0-9-]+)\$([a-z]+=[A-Za-z0-9+/]+(?:,[a-z]+=[A-Za-z0-9+/]+)*)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const WHOLE_NUMBER = /^[1-9]\d{0,9}$/;

/** Undefined for what is no PHC string with parameters, salt and digest, each parameter named once. */
export function parsePhc(text: string): PhcString | undefined {
  const [, id, list = '', saltText = '', digestText = ''] = PHC.exec(text) ?? [];
  const pairs = list.split(',').map((pair) => splitAt(pair, pair.indexOf('=')));
  const parameters = new Map(pairs);
  const [salt, digest] = [fromBase64(saltText), fromBase64(digestText)];
  if (id === undefined || parameters.size < pairs.length || salt === undefined || digest === undefined)
    return undefined;
  return { id, parameters, salt, digest };
}

const splitAt = (text: string, index: number): [string, string] => [text.slice(0, index), text.slice(index + 1)];

export function formatPhc(
  id: string,
  parameters: Readonly<Record<string, string | number>>,
  salt: Buffer,
  digest: Buffer,
) {
  const list = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return `$${id}$${list.join(',')}$${toBase64(salt)}$${toBase64(digest)}`;
}

/** The values of exactly these parameters as whole numbers from 1 up; undefined where one is missing, more or no number. */
export function wholeNumbers<const Name extends string>(
  { parameters }: PhcString,
  names: readonly Name[],
): Record<Name, number> | undefined {
  const values = names.map((name) => parameters.get(name) ?? '');
  if (parameters.size !== names.length || !values.every((value) => WHOLE_NUMBER.test(value))) return undefined;
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index])])) as Record<Name, number>;
}

export const toBase64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

/** Undefined for text that is not how these bytes are written: one hash has one spelling. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return toBase64(bytes) === text ? bytes : undefined;
}

/** In a time that does not tell where they differ. */
export const sameBytes = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other);

/**
 * NFC, so that the same password typed on another system (which may send NFD) is the same bytes. Nothing is trimmed or
 * cut off.
 */
export const passwordBytes = (password: string): Buffer => Buffer.from(password.normalize('NFC'));
