import type { ClusterClock } from './cluster-clock.ts';

/** What `hello` announces; a longer message ends the connection before any of its body is kept. */
export const MAX_MESSAGE_BYTES = 48_000_000;

const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
/** The lower sixteen flag bits must be understood or refused; the upper ones may be ignored. */
const UNKNOWN_REQUIRED_FLAGS = 0xfffc;

/** Bytes that are not MongoDB's wire protocol. The stream cannot be trusted any more: close the connection. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Documents of a write command that travel beside its body. */
interface DocumentSequence {
  /** The command's field that they stand for, such as `documents`. */
  readonly field: string;
  /** The documents, one after another. */
  readonly bytes: Buffer;
}

export interface WireRequest {
  readonly id: number;
  readonly opcode: typeof OP_MSG | typeof OP_QUERY;
  /** False when the client asked for none. */
  readonly wantsReply: boolean;
  readonly body: Buffer;
  readonly sequences: readonly DocumentSequence[];
}

/** Cuts a byte stream into messages. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes that the first message needs: chunks of a large message are joined once, when all have come. */
  #needed = HEADER_BYTES;

  /** Takes in a chunk, returns the messages that are complete now. Throws `WireError` for an impossible length. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const messages: Buffer[] = [];
    while (this.#buffered >= this.#needed) {
      const bytes = this.#join();
      const length = bytes.readInt32LE(0);
      if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES) throw new WireError(`invalid message length ${length}`);
      if (bytes.length < length) {
        this.#needed = length;
        break;
      }
      messages.push(bytes.subarray(0, length));
      this.#chunks = bytes.length > length ? [bytes.subarray(length)] : [];
      this.#buffered = bytes.length - length;
      this.#needed = HEADER_BYTES;
    }
    return messages;
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks, this.#buffered);
    this.#chunks = [joined];
    return joined;
  }
}

/** Takes a message apart without decoding its documents. Throws `WireError`. */
export function parseMessage(message: Buffer): WireRequest {
  const opcode = message.readInt32LE(12);
  if (opcode === OP_MSG) return parseMsg(message);
  if (opcode === OP_QUERY) return parseQuery(message);
  throw new WireError(`unsupported opcode ${opcode}`);
}

function parseMsg(message: Buffer): WireRequest {
  if (message.length < HEADER_BYTES + 10) throw new WireError('OP_MSG is too short');
  const flags = message.readUInt32LE(16);
  if (flags & UNKNOWN_REQUIRED_FLAGS) throw new WireError('OP_MSG has an unknown required flag');
  const end = flags & CHECKSUM_PRESENT ? message.length - 4 : message.length;
  const sequences: DocumentSequence[] = [];
  let body: Buffer | undefined;
  for (let at = 20; at < end; ) {
    const kind = message[at++];
    const section = sized(message, at, end);
    if (kind === 0 && body === undefined) body = section;
    else if (kind === 1) sequences.push(parseSequence(section));
    else throw new WireError(kind === 0 ? 'OP_MSG has two bodies' : `OP_MSG has a section of unknown kind ${kind}`);
    at += section.length;
  }
  if (body === undefined) throw new WireError('OP_MSG has no body');
  return { id: message.readInt32LE(4), opcode: OP_MSG, wantsReply: (flags & MORE_TO_COME) === 0, body, sequences };
}

function parseSequence(section: Buffer): DocumentSequence {
  const zero = section.indexOf(0, 4);
  if (zero < 0) throw new WireError('OP_MSG has a document sequence without a name');
  return { field: section.toString('utf8', 4, zero), bytes: section.subarray(zero + 1) };
}

/** OP_QUERY survives in the first handshake only: flags, collection name, skip, limit, document. */
function parseQuery(message: Buffer): WireRequest {
  const zero = message.indexOf(0, 20);
  if (zero < 0) throw new WireError('OP_QUERY has no collection name');
  const body = sized(message, zero + 9, message.length);
  return { id: message.readInt32LE(4), opcode: OP_QUERY, wantsReply: true, body, sequences: [] };
}

/** The bytes at `at` that begin with their own length and end before `end`. */
function sized(message: Buffer, at: number, end: number): Buffer {
  if (at + 5 > end) throw new WireError('a section is cut short');
  const length = message.readInt32LE(at);
  if (length < 5 || at + length > end) throw new WireError(`invalid section length ${length}`);
  return message.subarray(at, at + length);
}

/**
 * The reply to `request` in one buffer, hence one write. With a clock, cluster and operation time are appended to
 * the document on the way, which spares encoding it a second time.
 */
export function encodeReply(request: WireRequest, replyId: number, body: Buffer, clock: ClusterClock | null): Buffer {
  return request.opcode === OP_MSG
    ? encodeMsg(request, replyId, body, clock)
    : encodeQueryReply(request, replyId, body);
}

function encodeMsg(request: WireRequest, replyId: number, body: Buffer, clock: ClusterClock | null): Buffer {
  const start = HEADER_BYTES + 5;
  const length = body.length + (clock?.byteLength ?? 0);
  const out = Buffer.allocUnsafe(start + length);
  writeHeader(out, replyId, request.id, OP_MSG);
  out.writeInt32LE(0, 16);
  out[20] = 0;
  body.copy(out, start);
  if (clock !== null) {
    clock.writeTo(out, start + body.length - 1);
    out.writeInt32LE(length, start);
    out[out.length - 1] = 0;
  }
  return out;
}

function encodeQueryReply(request: WireRequest, replyId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES + 20);
  head.writeInt32LE(8, 16); // await capable
  head.writeInt32LE(1, 32); // one document
  const out = Buffer.concat([head, body]);
  writeHeader(out, replyId, request.id, OP_REPLY);
  return out;
}

/** A command as an OP_MSG request; its documents are in the body. */
export function encodeCommand(requestId: number, body: Buffer): Buffer {
  const out = Buffer.concat([Buffer.alloc(HEADER_BYTES + 5), body]);
  writeHeader(out, requestId, 0, OP_MSG);
  return out;
}

function writeHeader(out: Buffer, id: number, responseTo: number, opcode: number): void {
  out.writeInt32LE(out.length, 0);
  out.writeInt32LE(id, 4);
  out.writeInt32LE(responseTo, 8);
  out.writeInt32LE(opcode, 12);
}
