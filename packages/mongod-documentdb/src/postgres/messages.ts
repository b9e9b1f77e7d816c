/**
 * The bytes of PostgreSQL's frontend/backend protocol, version 3, as far as this package speaks it.
 * Pure functions: what is on the socket, and when, is the business of `connection.ts`.
 */

/** A parameter: binary as a Buffer, text as a string, or NULL. */
export type Param = Buffer | string | null;

/** The columns of a row: binary after `query`, text after `simple`, null for NULL. */
export type Row = (Buffer | null)[];

const PROTOCOL_3_0 = 196_608;
const CANCEL_REQUEST = 80_877_102;
const TEXT = 0;
const BINARY = 1;

/** Message types that the server sends and this client reads; all others are skipped by their length. */
export const FROM_SERVER = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  dataRow: 0x44, // D
  errorResponse: 0x45, // E
  parseComplete: 0x31, // 1
  readyForQuery: 0x5a, // Z
} as const;

const cString = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf8');

const int32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
};

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(body.length + 4), body]);
}

const SYNC = message('S', Buffer.alloc(0));
/** Execute the unnamed portal without a limit of rows, then Sync. */
const EXECUTE_SYNC = Buffer.concat([message('E', Buffer.concat([cString(''), int32(0)])), SYNC]);

/** Ends the connection; the server answers by closing it. */
export const TERMINATE: Buffer = message('X', Buffer.alloc(0));

/** The first message of a connection; `settings` are run-time parameters for its whole life. */
export function startupMessage(settings: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(settings).flatMap(([name, value]) => [cString(name), cString(value)]);
  const body = Buffer.concat([int32(PROTOCOL_3_0), ...pairs, Buffer.alloc(1)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** Sent alone on a connection of its own: asks the server to cancel what backend `pid` is running. */
export function cancelRequest(pid: number, secret: number): Buffer {
  return Buffer.concat([int32(16), int32(CANCEL_REQUEST), int32(pid), int32(secret)]);
}

/** One or more statements by the simple protocol. */
export function simpleQuery(sql: string): Buffer {
  return message('Q', cString(sql));
}

/** Prepares `sql` under `name`; the types of the parameters are left to the server. */
export function parse(name: string, sql: string): Buffer {
  return message('P', Buffer.concat([cString(name), cString(sql), Buffer.alloc(2)]));
}

/**
 * Bind, Execute and Sync in one buffer, the hot path of every command: the length is counted first, so that
 * a document is copied once and nothing else is allocated. Buffers travel as binary, strings as text; results come as binary.
 */
export function bindExecuteSync(name: string, params: readonly Param[]): Buffer {
  const sizes = params.map((param) => (typeof param === 'string' ? Buffer.byteLength(param) : (param?.length ?? -1)));
  const values = sizes.reduce((sum, size) => sum + 4 + Math.max(size, 0), 0);
  const length = 4 + 1 + name.length + 1 + 2 + 2 * params.length + 2 + values + 4;
  const out = Buffer.allocUnsafe(1 + length + EXECUTE_SYNC.length);
  out[0] = 0x42; // B
  out.writeInt32BE(length, 1);
  out[5] = 0; // the unnamed portal
  let at = 6 + out.write(name, 6, 'latin1');
  out[at++] = 0;
  at = out.writeInt16BE(params.length, at);
  for (const param of params) at = out.writeInt16BE(Buffer.isBuffer(param) ? BINARY : TEXT, at);
  at = out.writeInt16BE(params.length, at);
  params.forEach((param, index) => {
    at = out.writeInt32BE(sizes[index] ?? -1, at);
    if (typeof param === 'string') at += out.write(param, at, 'utf8');
    else if (param !== null) at += param.copy(out, at);
  });
  at = out.writeInt16BE(1, at);
  at = out.writeInt16BE(BINARY, at);
  EXECUTE_SYNC.copy(out, at);
  return out;
}

/** BEGIN without a Sync: the statement that follows belongs to it, and both are answered together. */
export const BEGIN: Buffer = Buffer.concat([parse('', 'BEGIN'), bindExecuteSync('', []).subarray(0, -SYNC.length)]);

/** Reads a DataRow whose body begins at `at`; the columns are views on `bytes`, not copies. */
export function readDataRow(bytes: Buffer, at: number): Row {
  const columns = bytes.readInt16BE(at);
  const row: Row = [];
  let offset = at + 2;
  for (let column = 0; column < columns; column++) {
    const length = bytes.readInt32BE(offset);
    offset += 4;
    if (length < 0) {
      row.push(null);
    } else {
      row.push(bytes.subarray(offset, offset + length));
      offset += length;
    }
  }
  return row;
}

/** Reads the fields of an ErrorResponse by their one-letter keys (C: SQLSTATE, M: message, D: detail, n: constraint). */
export function readErrorFields(bytes: Buffer, at: number): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let offset = at;
  for (let key = bytes[offset]; key !== undefined && key !== 0; key = bytes[offset]) {
    const end = bytes.indexOf(0, offset + 1);
    fields.set(String.fromCharCode(key), bytes.toString('utf8', offset + 1, end));
    offset = end + 1;
  }
  return fields;
}
