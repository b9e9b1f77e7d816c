import type { InputProblem } from '../errors.ts';
import { UnusableFileError } from './errors.ts';
import { OpenRecord, type RawRecord, withoutByteOrderMark } from './records.ts';

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];
const SPACE = 0x20;
/** Longer than any name that is looked for. */
const MAX_NAME_BYTES = 64;

/**
 * Cuts a JSON document into the objects of its list, however large it is: of the list that it is, or that its member
 * `name` is. Exports that come in parts are often joined to one file, so documents may follow one another. Only the
 * brackets and texts are followed; what is wrong within an object does not touch the next.
 * @throws {UnusableFileError} at the end of a file that has no such list
 */
export async function* readJsonList(source: AsyncIterable<Buffer>, name?: string): AsyncGenerator<RawRecord> {
  const scanner = new ListScanner(name);
  const open = new OpenRecord();
  let between = 0;
  for await (const chunk of withoutByteOrderMark(source)) {
    for (let from = 0; from < chunk.length; ) {
      const isInside = scanner.isInside;
      const next = scanner.advance(chunk, from);
      const piece = chunk.subarray(from, next);
      if (isInside) open.add(piece);
      else {
        open.skip(piece);
        between += piece.length;
      }
      from = next;
      if (!isInside || scanner.isInside) continue;
      const record = open.close();
      yield { ...record, bytes: record.bytes + between };
      between = 0;
    }
    if (scanner.hasStray) yield { line: open.line, bytes: 0, problem: problem('holds something that is no object') };
    scanner.hasStray = false;
  }
  if (!scanner.hasFound)
    throw new UnusableFileError(`The file holds no list of accounts${name === undefined ? '' : ` named "${name}"`}.`);
  if (!scanner.hasClosed)
    yield { line: open.line, bytes: 0, problem: problem('is where the file ends within its list') };
}

const problem = (detail: string): InputProblem => ({ pointer: '', code: 'invalid-json', detail });

/** Follows the structure of documents, byte by byte. */
class ListScanner {
  readonly #name: string | undefined;
  #depth = 0;
  /** How deep the objects of the list are, while the list is open. */
  #listDepth = 0;
  #isText = false;
  #isEscaped = false;
  /** The text that was read last at the first level, which is a name when a colon follows. */
  #text: number[] = [];
  #member = '';
  hasFound = false;
  /** Whether the last list that was found is whole. */
  hasClosed = false;
  /** Whether there was something between the objects that is no object. */
  hasStray = false;
  /** Whether the next byte belongs to an object of the list. */
  isInside = false;

  constructor(name: string | undefined) {
    this.#name = name;
  }

  /** @returns where the next object begins, or where the one that is open is over, or the length of the chunk */
  advance(chunk: Buffer, from: number): number {
    const wasInside = this.isInside;
    for (let index = from; index < chunk.length; index++) {
      const byte = chunk[index] as number;
      if (!wasInside && this.#beginsObject(byte)) {
        this.isInside = true;
        return index;
      }
      this.#take(byte);
      if (wasInside && this.#depth === this.#listDepth) {
        this.isInside = false;
        return index + 1;
      }
    }
    return chunk.length;
  }

  #beginsObject(byte: number): boolean {
    return byte === OPEN_BRACE && !this.#isText && this.#listDepth > 0 && this.#depth === this.#listDepth;
  }

  #take(byte: number): void {
    if (this.#isText) this.#takeText(byte);
    else if (byte === QUOTE) this.#beginText();
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) this.#goIn(byte);
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) this.#goOut();
    else if (byte === COLON && this.#depth === 1) this.#member = Buffer.from(this.#text).toString();
    else if (byte > SPACE && byte !== COMMA) this.#stray();
  }

  #takeText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#isText = false;
      return;
    }
    if (this.#depth === 1 && this.#text.length < MAX_NAME_BYTES) this.#text.push(byte);
  }

  #beginText(): void {
    this.#stray();
    this.#isText = true;
    if (this.#depth === 1) this.#text = [];
  }

  #goIn(byte: number): void {
    this.#stray();
    this.#depth++;
    const isList = this.#depth === 1 || (this.#depth === 2 && this.#member === this.#name);
    if (byte !== OPEN_BRACKET || this.#listDepth > 0 || !isList) return;
    this.#listDepth = this.#depth;
    this.hasFound = true;
    this.hasClosed = false;
  }

  #goOut(): void {
    // A bracket too many must not hide the document that follows.
    this.#depth = Math.max(0, this.#depth - 1);
    if (this.#depth === 0) this.#member = '';
    if (this.#listDepth === 0 || this.#depth >= this.#listDepth) return;
    this.#listDepth = 0;
    this.hasClosed = true;
  }

  /** Anything but an object, directly in the list. */
  #stray(): void {
    if (!this.isInside && this.#listDepth > 0 && this.#depth === this.#listDepth) this.hasStray = true;
  }
}
