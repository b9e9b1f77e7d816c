import type { Socket } from 'node:net';
import { MessageReader, parseMessage, WireError, type WireRequest } from './wire.ts';

/** Requests that one client may have waiting before its socket is read no further. */
const MAX_WAITING = 32;

/** Answers one request; `null` when no reply is to be sent. */
type Answer = (request: WireRequest, client: ClientConnection) => Promise<Buffer | null>;

/** A client's connection. Its requests are answered one after another, in the order in which they came. */
export class ClientConnection {
  readonly id: number;
  /** The application's name, from the handshake. */
  appName: string | undefined;
  readonly #socket: Socket;
  readonly #answer: Answer;
  readonly #report: (error: unknown, client: ClientConnection) => void;
  readonly #reader = new MessageReader();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(id: number, socket: Socket, answer: Answer, report: (error: unknown, client: ClientConnection) => void) {
    this.id = id;
    this.#socket = socket;
    this.#answer = answer;
    this.#report = report;
    // A reset connection is an end like any other; without a listener it would end the process.
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** `address:port` of the client. */
  get remote(): string {
    return `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Ends the connection at once; replies not yet sent are lost. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.push(chunk)) this.#enqueue(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #enqueue(message: Buffer): void {
    if (++this.#waiting > MAX_WAITING) this.#socket.pause();
    this.#last = this.#last
      .then(() => this.#handle(message))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        if (--this.#waiting < MAX_WAITING / 2 && this.#socket.isPaused()) this.#socket.resume();
      });
  }

  async #handle(message: Buffer): Promise<void> {
    if (this.#socket.destroyed) return;
    const reply = await this.#answer(parseMessage(message), this);
    if (reply !== null && !this.#socket.destroyed && !this.#socket.write(reply)) await this.#drained();
  }

  /** A client that sends requests without reading the replies waits for itself, instead of filling our memory. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  #fail(error: unknown): void {
    this.#report(
      error instanceof WireError ? error : new WireError('a request could not be answered', { cause: error }),
      this,
    );
    this.destroy();
  }
}
