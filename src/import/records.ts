import { isUtf8 } from 'node:buffer';
import type { InputProblem } from '../errors.ts';

/**
 * Bytes of one record at the most. The largest valid account takes about 45,000 when every character is escaped; what
 * lies above is not kept in memory, only stepped over.
 */
export const MAX_RECORD_BYTES = 65_536;

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/** One record of a file, as text that is not yet understood, or why there is no text. */
export type RawRecord = {
  /** Where it begins, counted from 1. */
  readonly line: number;
  /** How long it is, with its line break. */
  readonly bytes: number;
} & ({ readonly text: string } | { readonly problem: InputProblem });

/** Finds where a record ends: the index of its last byte at or after `from`, or -1 when it goes on in the next chunk. */
type FindEnd = (chunk: Buffer, from: number) => number;

/** Every line is a record. */
export const lineEnd = (): FindEnd => (chunk, from) => chunk.indexOf(LINE_FEED, from);

/**
 * RFC 4180: a line break within quotes belongs to the record. A quote opens only at the start of a field; anywhere else
 * it is an error of its own record, and must not swallow the ones that follow.
 */
export function csvRecordEnd(): FindEnd {
  let state: 'field-start' | 'plain' | 'quoted' | 'quote-in-quoted' = 'field-start';
  return (chunk, from) => {
    for (let index = from; index < chunk.length; index++) {
      const byte = chunk[index];
      if (state === 'quoted') {
        if (byte === QUOTE) state = 'quote-in-quoted';
      } else if (byte === LINE_FEED) {
        state = 'field-start';
        return index;
      } else if (byte === QUOTE && state !== 'plain') state = 'quoted';
      else state = byte === COMMA ? 'field-start' : 'plain';
    }
    return -1;
  };
}

/**
 * Cuts a stream of bytes into records. However the file is broken, the memory it takes is bounded, every record is
 * accounted for by its line, and what is wrong with one does not touch the next.
 */
export async function* readRecords(source: AsyncIterable<Buffer>, findEnd: FindEnd): AsyncGenerator<RawRecord> {
  const open = new OpenRecord();
  for await (const chunk of withoutByteOrderMark(source)) {
    for (let from = 0; from < chunk.length; ) {
      const end = findEnd(chunk, from);
      const next = end < 0 ? chunk.length : end + 1;
      open.add(chunk.subarray(from, next));
      if (end >= 0) yield open.close();
      from = next;
    }
  }
  if (!open.isEmpty) yield open.close();
}

/** The record that is being read. */
export class OpenRecord {
  #line = 1;
  #bytes = 0;
  #pieces: Buffer[] = [];
  #lineFeeds = 0;

  /** Where it begins. */
  get line(): number {
    return this.#line;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    this.#lineFeeds += countLineFeeds(piece);
    if (this.#bytes > MAX_RECORD_BYTES) this.#pieces = [];
    else this.#pieces.push(piece);
  }

  /** What stands between records, and belongs to none. */
  skip(piece: Buffer): void {
    this.#line += countLineFeeds(piece);
  }

  close(): RawRecord {
    const [line, bytes] = [this.#line, this.#bytes];
    const record = bytes > MAX_RECORD_BYTES ? { problem: this.#tooLong() } : contentOf(Buffer.concat(this.#pieces));
    this.#line += this.#lineFeeds;
    this.#bytes = 0;
    this.#pieces = [];
    this.#lineFeeds = 0;
    return { line, bytes, ...record };
  }

  #tooLong(): InputProblem {
    const where =
      this.#lineFeeds > 1 ? ` and goes on to line ${this.#line + this.#lineFeeds - 1}: is a quote left open?` : '';
    return { pointer: '', code: 'too-long', detail: `is longer than ${MAX_RECORD_BYTES} bytes${where}` };
  }
}

function contentOf(bytes: Buffer): { text: string } | { problem: InputProblem } {
  // Decoding would replace what is not UTF-8, and the account would not be the one in the file.
  if (!isUtf8(bytes)) return { problem: { pointer: '', code: 'invalid-utf8', detail: 'is not UTF-8' } };
  return { text: bytes.toString().replace(/\r?\n$/, '') };
}

function countLineFeeds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}

/** Spreadsheets and Windows tools begin UTF-8 with a mark that is no part of the first record. */
export async function* withoutByteOrderMark(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of source) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < BYTE_ORDER_MARK.length) continue;
    yield afterMark(start);
    start = undefined;
  }
  if (start !== undefined) yield start;
}

const afterMark = (start: Buffer): Buffer =>
  start.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? start.subarray(BYTE_ORDER_MARK.length) : start;
