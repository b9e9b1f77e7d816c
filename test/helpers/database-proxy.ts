import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

const OP_MSG = 2013;
const HEADER_BYTES = 16;
/** Behind the header: four bytes of flags, and the kind of the first section. */
const BODY_AT = HEADER_BYTES + 5;

/** By these a driver looks after its connections; they tell of the server, not of what is done with it. */
const OF_THE_DRIVER = new Set(['hello', 'ismaster', 'isMaster']);

export type Fate =
  | 'passed on'
  /** It arrives nowhere, and the connection stays open: a server that is slow without end, or a broken route. */
  | 'held back'
  /** The connection breaks before it arrives. */
  | 'cut off'
  /** It is carried out, and the connection breaks before the answer arrives. */
  | 'unanswered'
  /** What the server answers. */
  | Document;

/** What becomes of each command, which is named `<command> <collection>`, such as `find users`. */
export type Rule = (command: string) => Fate;

/** Stands between a client and the database, and decides about each command. */
export class DatabaseProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #links = new Set<Link>();
  /** Decides about each command. */
  rule: Rule = () => 'passed on';
  #reachable = true;

  private constructor(uri: string) {
    this.#target = new URL(uri);
    this.#server = createServer((client) => {
      if (!this.#reachable) return void client.destroy();
      const link = new Link(client, connect(Number(this.#target.port), this.#target.hostname), (command) =>
        this.rule(command),
      );
      this.#links.add(link);
      client.on('close', () => this.#links.delete(link));
    });
  }

  static async open(uri: string): Promise<DatabaseProxy> {
    const proxy = new DatabaseProxy(uri);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The connection string of the same database by this way; the members that it would tell of are not asked. */
  get uri(): string {
    const uri = new URL(this.#target);
    uri.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    // The least that the driver allows, so that it notices soon what has become of the server.
    uri.search = 'directConnection=true&heartbeatFrequencyMS=500';
    return uri.href;
  }

  /** The server is gone: connections break, and none can be made. */
  cut(): void {
    this.#reachable = false;
    for (const link of this.#links) link.destroy();
  }

  /** All is well again. What was held back never arrives: its connections break. */
  mend(): void {
    this.#reachable = true;
    this.rule = () => 'passed on';
    for (const link of this.#links) if (link.holds) link.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

/** One connection through the proxy. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #fateOf: Rule;
  #received = Buffer.alloc(0);
  #holds = false;

  constructor(client: Socket, server: Socket, fateOf: Rule) {
    this.#client = client;
    this.#server = server;
    this.#fateOf = fateOf;
    for (const socket of [client, server]) socket.on('error', () => this.destroy()).on('close', () => this.destroy());
    client.on('data', (chunk: Buffer) => this.#read(chunk));
    server.on('data', (chunk: Buffer) => void client.write(chunk));
  }

  /** Whether somebody waits here for an answer that will not come. */
  get holds(): boolean {
    return this.#holds;
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= HEADER_BYTES) {
      const length = this.#received.readInt32LE(0);
      if (this.#received.length < length) return;
      const message = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
      this.#decide(message);
    }
  }

  #decide(message: Buffer): void {
    const command = commandOf(message);
    const fate = command === undefined ? 'passed on' : this.#fateOf(command);
    if (fate === 'held back') this.#holds = true;
    else if (fate === 'cut off') this.destroy();
    else if (fate === 'unanswered') {
      this.#server.removeAllListeners('data').once('data', () => this.destroy());
      this.#server.write(message);
    } else if (fate === 'passed on') this.#server.write(message);
    else this.#client.write(answerTo(message, fate));
  }
}

/** What a message asks for, if it is something that rules are about. */
function commandOf(message: Buffer): string | undefined {
  if (message.readInt32LE(12) !== OP_MSG) return undefined;
  const length = message.readInt32LE(BODY_AT);
  const [first] = Object.entries(BSON.deserialize(message.subarray(BODY_AT, BODY_AT + length)));
  if (!first || OF_THE_DRIVER.has(first[0])) return undefined;
  const [name, target] = first;
  return typeof target === 'string' ? `${name} ${target}` : name;
}

function answerTo(message: Buffer, document: Document): Buffer {
  const body = BSON.serialize(document);
  const head = Buffer.alloc(BODY_AT);
  head.writeInt32LE(BODY_AT + body.length, 0);
  head.writeInt32LE(message.readInt32LE(4), 8);
  head.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([head, body]);
}
