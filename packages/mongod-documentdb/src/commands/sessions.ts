import { randomBytes } from 'node:crypto';
import { Binary } from 'bson';
import { okReply } from '../bson.ts';
import { type Command, gatewayCommand, type Request } from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';
import { sessionIdOf } from '../gateway/request.ts';

/** Logical sessions and the ends of their transactions. */
export const SESSION_COMMANDS: Readonly<Record<string, Command>> = {
  startSession: gatewayCommand(startSession),
  refreshSessions: gatewayCommand(() => okReply()),
  endSessions: gatewayCommand(endSessions),
  killSessions: gatewayCommand(killSessions),
  killAllSessions: gatewayCommand(killAllSessions),
  commitTransaction: gatewayCommand(commitTransaction, { transactional: true }),
  abortTransaction: gatewayCommand(abortTransaction, { transactional: true }),
};

function startSession(): Buffer {
  const id = randomBytes(16);
  id.writeUInt8((id.readUInt8(6) & 0x0f) | 0x40, 6); // UUID version 4
  id.writeUInt8((id.readUInt8(8) & 0x3f) | 0x80, 8); // variant 1
  return okReply({ id: { id: new Binary(id, Binary.SUBTYPE_UUID) }, timeoutMinutes: 30 });
}

async function endSessions(request: Request, core: Core): Promise<Buffer> {
  for (const id of namedSessions(request)) {
    await rollback(core, id);
    core.sessions.delete(id);
  }
  return okReply();
}

async function killSessions(request: Request, core: Core): Promise<Buffer> {
  for (const id of namedSessions(request)) await rollback(core, id);
  return okReply();
}

async function killAllSessions(_request: Request, core: Core): Promise<Buffer> {
  await Promise.all([...core.sessions.values()].map((session) => core.transactions.rollback(session)));
  return okReply();
}

async function commitTransaction(request: Request, core: Core): Promise<Buffer> {
  await core.transactions.commit(request.session, String(request.doc['txnNumber']));
  return okReply();
}

async function abortTransaction(request: Request, core: Core): Promise<Buffer> {
  await core.transactions.abort(request.session, String(request.doc['txnNumber']));
  return okReply();
}

function namedSessions(request: Request): string[] {
  const named = request.doc[request.name];
  return Array.isArray(named) ? named.map(sessionIdOf).filter((id) => id !== undefined) : [];
}

async function rollback(core: Core, id: string): Promise<void> {
  const session = core.sessions.find(id);
  if (session !== undefined) await core.transactions.rollback(session);
}
