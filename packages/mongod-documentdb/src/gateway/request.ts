import { Binary } from 'bson';
import { type Doc, decodeCommand, docOf, encode } from '../bson.ts';
import { CommandError } from '../errors.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Request } from './command.ts';
import type { Core } from './core.ts';
import type { WireRequest } from './wire.ts';

/** The field of each write command that may travel as a document sequence. */
export const OPERATIONS: Readonly<Record<string, string>> = {
  insert: 'documents',
  update: 'updates',
  delete: 'deletes',
};

/** Reads a command. Throws `CommandError` and `BSONError` for what no command can be. */
export function readRequest(wire: WireRequest, client: ClientConnection, core: Core): Request {
  const { doc, body } = unwrap(decodeCommand(wire.body), wire.body);
  const [name] = Object.keys(doc);
  if (name === undefined) throw new CommandError(59, 'no command given');
  if (doc['apiVersion'] !== undefined && doc['apiVersion'] !== '1') {
    throw new CommandError(322, 'API version must be "1"');
  }
  const target = doc[name];
  const transactional = doc['autocommit'] === false;
  const numbered = transactional || doc['txnNumber'] !== undefined;
  const sessionId = sessionIdOf(doc['lsid']);
  return {
    name,
    doc,
    body,
    sequence: sequenceOf(wire, name),
    db: typeof doc['$db'] === 'string' ? doc['$db'] : 'admin',
    collection: typeof target === 'string' ? target : '',
    client,
    sessionId,
    session: numbered ? numberedSession(sessionId, core) : core.sessions.find(sessionId),
    transactional,
  };
}

/** The hexadecimal id of a logical session. */
export function sessionIdOf(lsid: unknown): string | undefined {
  const { id } = docOf(lsid);
  return id instanceof Binary ? Buffer.from(id.buffer).toString('hex') : undefined;
}

/** OP_QUERY may wrap its command in `$query`. */
function unwrap(doc: Doc, body: Buffer): { doc: Doc; body: Buffer } {
  const inner = doc['$query'] ?? doc['query'];
  const [first] = Object.keys(doc);
  if ((first !== '$query' && first !== 'query') || inner === undefined) return { doc, body };
  const command = { ...docOf(inner), $db: 'admin' };
  return { doc: command, body: encode(command) };
}

function sequenceOf(wire: WireRequest, name: string): Buffer | null {
  const [first, second] = wire.sequences;
  if (first === undefined) return null;
  const odd = first.field === OPERATIONS[name] ? second : first;
  if (odd !== undefined) throw new CommandError(40415, `BSON field '${name}.${odd.field}' is an unknown field.`);
  return first.bytes;
}

function numberedSession(sessionId: string | undefined, core: Core): Request['session'] {
  if (core.replicaSet.name === undefined) {
    throw new CommandError(20, 'Transaction numbers are only allowed on a replica set member or mongos');
  }
  if (sessionId === undefined) {
    throw new CommandError(72, 'Transaction number requires a session ID to also be specified');
  }
  return core.sessions.obtain(sessionId);
}
