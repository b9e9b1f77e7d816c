import { once } from 'node:events';
import net from 'node:net';
import { type Document, deserialize, serialize } from 'bson';

const HEADER_BYTES = 16;

/** A TCP connection that sends whatever bytes a test likes. */
export class RawClient {
  readonly socket: net.Socket;
  /** Resolves when the server or the client has ended the connection. */
  readonly closed: Promise<unknown>;
  #received = Buffer.alloc(0);

  private constructor(socket: net.Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => {}); // a reset is what some tests provoke
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      socket.emit('received');
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next message. */
  async receive(): Promise<Buffer> {
    for (;;) {
      if (this.#received.length >= 4 && this.#received.length >= this.#received.readInt32LE(0)) {
        const message = this.#received.subarray(0, this.#received.readInt32LE(0));
        this.#received = this.#received.subarray(message.length);
        return message;
      }
      await Promise.race([once(this.socket, 'received'), this.closed.then(() => Promise.reject(new Error('closed')))]);
    }
  }

  /** Runs a command and returns its reply. */
  async command(doc: Document): Promise<Document> {
    this.send(opMsg(bodySection(serialize(doc))));
    return replyOf(await this.receive());
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** The document of an OP_MSG reply. */
export function replyOf(message: Buffer): Document {
  return deserialize(message.subarray(HEADER_BYTES + 5));
}

export interface OpMsgOptions {
  readonly flags?: number;
  readonly requestId?: number;
}

export function opMsg(sections: Uint8Array, { flags = 0, requestId = 1 }: OpMsgOptions = {}): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(flags, 0);
  return message(2013, Buffer.concat([head, sections]), requestId);
}

export function bodySection(bson: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0), bson]);
}

export function sequenceSection(field: string, documents: readonly Document[]): Buffer {
  const content = Buffer.concat([Buffer.from(`${field}\0`), ...documents.map((doc) => serialize(doc))]);
  const length = Buffer.alloc(4);
  length.writeInt32LE(4 + content.length, 0);
  return Buffer.concat([Buffer.of(1), length, content]);
}

/** A message with a header; `length` lies about it if given. */
export function message(opcode: number, body: Uint8Array, requestId = 1, length = HEADER_BYTES + body.length): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(length, 0);
  header.writeInt32LE(requestId, 4);
  header.writeInt32LE(opcode, 12);
  return Buffer.concat([header, body]);
}
