/**
 * Cursors of paged lists: where the next page starts, as an opaque text for a URL.
 *
 * A cursor carries a checksum over its position and the scope (list, filter and sort) that it was made for: one that is
 * cut, altered or taken from another list is refused instead of giving a page of something else. It is no secret and no
 * proof: whoever computes one by hand only chooses where to start reading a list that they may read anyway.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** The sort key of the last item of a page, and its id (24 lower-case hex characters) to tell equal keys apart. */
export interface CursorPosition {
  readonly key: string | Date;
  readonly id: string;
}

const CHECKSUM_BYTES = 12;
/** URLs of a few thousand characters pass everywhere. */
const MAX_LENGTH = 4096;
const WIRE_FORM = /^[A-Za-z0-9_-]{1,4096}$/;
const OBJECT_ID = /^[0-9a-f]{24}$/;

/** The cursor of a position within a scope. Throws a RangeError when the position is out of shape. */
export function encodeCursor({ key, id }: CursorPosition, scope: string): string {
  if (!OBJECT_ID.test(id)) throw new RangeError('The id of a cursor has 24 lower-case hex characters');
  const value = key instanceof Date ? key.getTime() : key;
  if (Number.isNaN(value)) throw new RangeError('The key of a cursor is an invalid date');
  const json = Buffer.from(JSON.stringify([value, id]));
  const cursor = Buffer.concat([checksum(json, scope), json]).toString('base64url');
  if (cursor.length > MAX_LENGTH) throw new RangeError(`A cursor has at most ${MAX_LENGTH} characters`);
  return cursor;
}

/** The position that `encodeCursor` was given for the same scope, or undefined for any other text. */
export function decodeCursor(cursor: string, scope: string): CursorPosition | undefined {
  if (!WIRE_FORM.test(cursor)) return undefined;
  const bytes = Buffer.from(cursor, 'base64url');
  const json = bytes.subarray(CHECKSUM_BYTES);
  const given = bytes.subarray(0, CHECKSUM_BYTES);
  if (given.length < CHECKSUM_BYTES || bytes.toString('base64url') !== cursor) return undefined;
  return timingSafeEqual(given, checksum(json, scope)) ? parsePosition(json.toString()) : undefined;
}

/** The scope is hashed on its own first, so that none of it can pass for a part of the position. */
function checksum(json: Uint8Array, scope: string): Buffer {
  const scopeHash = createHash('sha256').update(scope).digest();
  return createHash('sha256').update(scopeHash).update(json).digest().subarray(0, CHECKSUM_BYTES);
}

/** Every part is checked again: a checksum can be computed by anybody. */
function parsePosition(json: string): CursorPosition | undefined {
  const parsed = parseJson(json);
  if (!Array.isArray(parsed) || parsed.length !== 2) return undefined;
  const [value, id]: unknown[] = parsed;
  if (typeof id !== 'string' || !OBJECT_ID.test(id)) return undefined;
  if (typeof value === 'string') return { key: value, id };
  if (typeof value !== 'number') return undefined;
  const key = new Date(value);
  return Number.isNaN(key.getTime()) ? undefined : { key, id };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
