import net from 'node:net';
import {
  BEGIN,
  bindExecuteSync,
  cancelRequest,
  FROM_SERVER,
  type Param,
  parse,
  type Row,
  readDataRow,
  readErrorFields,
  simpleQuery,
  startupMessage,
  TERMINATE,
} from './messages.ts';

/** SQLSTATE `connection_failure`: given to every request that a lost connection leaves without an answer. */
const CONNECTION_FAILURE = '08006';

/** An error that the server reported, or the loss of the connection (state 08006). */
export class PgError extends Error {
  override readonly name = 'PgError';
  /** SQLSTATE, five characters. */
  readonly state: string;
  readonly detail: string | undefined;
  readonly constraint: string | undefined;

  constructor(message: string, state: string, detail?: string, constraint?: string) {
    super(message);
    this.state = state;
    this.detail = detail;
    this.constraint = constraint;
  }
}

export interface PgTarget {
  /** Path of the server's UNIX socket. */
  socketPath: string;
  /** Run-time parameters, set when the connection opens. */
  settings?: Readonly<Record<string, string>>;
}

/** 'I' idle, 'T' in a transaction, 'E' in a transaction that failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

interface Request {
  resolve(rows: Row[]): void;
  reject(error: PgError): void;
  rows: Row[];
  error?: PgError;
  /** The SQL text that this request prepares, until the server has accepted it. */
  preparing?: string;
}

/**
 * A connection to PostgreSQL over its UNIX socket, with prepared statements and binary parameters and results.
 * Documents are bytes to PostgreSQL; the usual client library reads results as UTF-8 text, which would send each
 * document through hexadecimal.
 *
 * Requests are answered in the order in which they were made and may be made without waiting for each other.
 */
export class PgConnection {
  closed = false;
  /** As of the last answer. */
  status: TransactionStatus = 'I';
  /** Called once, when the connection has ended for whatever reason. */
  onclose: (() => void) | undefined;

  readonly #target: PgTarget;
  readonly #waiting: Request[] = [];
  readonly #statements = new Map<string, string>();
  #socket: net.Socket | undefined;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes that the first incomplete message needs; spares joining the chunks of a large row again and again. */
  #needed = 0;
  #prepared = 0;
  #begins = false;
  #pid = 0;
  #secret = 0;

  constructor(target: PgTarget) {
    this.#target = target;
  }

  /** Opens the connection. Throws `PgError` when the server is not there or refuses. */
  async connect(): Promise<this> {
    const socket = net.connect(this.#target.socketPath);
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('the database engine closed the connection'));
    const settings = { user: 'postgres', database: 'postgres', client_encoding: 'UTF8', ...this.#target.settings };
    await this.#request([startupMessage(settings)]);
    return this;
  }

  /**
   * Runs one statement and returns its rows. The statement is prepared once for each distinct `sql` and kept for
   * the life of the connection: keep the number of texts finite and put what varies into `params`.
   */
  query(sql: string, params: readonly Param[] = []): Promise<Row[]> {
    const before = this.#begins ? [BEGIN] : [];
    this.#begins = false;
    const known = this.#statements.get(sql);
    if (known !== undefined) return this.#request([...before, bindExecuteSync(known, params)]);
    const name = `s${this.#prepared++}`;
    this.#statements.set(sql, name);
    // The first ParseComplete to come is that of `sql`, hence it goes before BEGIN's.
    return this.#request([parse(name, sql), ...before, bindExecuteSync(name, params)], sql);
  }

  /** Begins a transaction with the next `query`, which spares waiting for an answer in between. */
  beginWithNextQuery(): void {
    this.#begins = true;
  }

  /** Runs one or more statements without parameters; rows of all of them, as text. */
  simple(sql: string): Promise<Row[]> {
    this.#begins = false;
    return this.#request([simpleQuery(sql)]);
  }

  /**
   * Asks the server to cancel what this connection is running; resolves when the request was delivered or the server
   * is gone. The cancelled request itself fails with state 57014.
   */
  cancel(): Promise<void> {
    return new Promise((resolve) => {
      const socket = net.connect(this.#target.socketPath, () => socket.write(cancelRequest(this.#pid, this.#secret)));
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.resume();
    });
  }

  /** Ends the connection; requests without an answer fail. */
  close(): void {
    if (this.closed) return;
    this.#socket?.end(TERMINATE);
    this.#end('the connection was closed');
  }

  #request(messages: readonly Buffer[], preparing?: string): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      if (this.closed || this.#socket === undefined) {
        reject(new PgError('the connection to the database engine is not open', CONNECTION_FAILURE));
        return;
      }
      const request: Request = { resolve, reject, rows: [] };
      if (preparing !== undefined) request.preparing = preparing;
      this.#waiting.push(request);
      this.#socket.write(messages.length === 1 && messages[0] ? messages[0] : Buffer.concat(messages));
    });
  }

  #end(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    for (const request of this.#waiting.splice(0)) {
      request.reject(request.error ?? new PgError(reason, CONNECTION_FAILURE));
    }
    this.onclose?.();
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#buffered);
    let at = 0;
    this.#needed = 0;
    while (bytes.length - at >= 5) {
      const length = 1 + bytes.readInt32BE(at + 1);
      if (bytes.length - at < length) {
        this.#needed = length;
        break;
      }
      this.#message(bytes, at);
      at += length;
    }
    this.#buffered = bytes.length - at;
    this.#chunks = this.#buffered > 0 ? [bytes.subarray(at)] : [];
  }

  #message(bytes: Buffer, at: number): void {
    const body = at + 5;
    const request = this.#waiting[0];
    switch (bytes[at]) {
      case FROM_SERVER.dataRow:
        request?.rows.push(readDataRow(bytes, body));
        break;
      case FROM_SERVER.errorResponse:
        if (request) request.error ??= errorFrom(bytes, body);
        break;
      case FROM_SERVER.parseComplete:
        if (request) delete request.preparing;
        break;
      case FROM_SERVER.readyForQuery:
        this.status = statusFrom(bytes[body]);
        this.#settle();
        break;
      case FROM_SERVER.backendKeyData:
        this.#pid = bytes.readInt32BE(body);
        this.#secret = bytes.readInt32BE(body + 4);
        break;
      case FROM_SERVER.authentication:
        if (bytes.readInt32BE(body) !== 0) {
          this.#end('the database engine asks for a password');
          this.#socket?.destroy();
        }
        break;
    }
  }

  #settle(): void {
    const request = this.#waiting.shift();
    if (request === undefined) return;
    if (request.error === undefined) {
      request.resolve(request.rows);
      return;
    }
    // A statement that the server refused to prepare does not exist there.
    if (request.preparing !== undefined) this.#statements.delete(request.preparing);
    request.reject(request.error);
  }
}

function errorFrom(bytes: Buffer, at: number): PgError {
  const fields = readErrorFields(bytes, at);
  return new PgError(fields.get('M') ?? 'unknown error', fields.get('C') ?? 'XX000', fields.get('D'), fields.get('n'));
}

function statusFrom(byte: number | undefined): TransactionStatus {
  if (byte === 0x49) return 'I';
  return byte === 0x54 ? 'T' : 'E';
}
