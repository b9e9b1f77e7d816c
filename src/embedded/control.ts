import type { Socket } from 'node:net';
import type { Engine } from './record.ts';

/** The database as its keeper runs it. */
export interface RunningDatabase {
  uri: string;
  engine: Engine;
  version: string;
}

/** What the keeper tells its clients, one JSON object a line. */
export type Notice = { say: string } | { ready: RunningDatabase } | { failed: string };

/** What a client sends first, and the only thing it sends; it leaves by ending the connection. */
export interface Greeting {
  token: string;
}

/** Longer lines are none of ours. */
const LONGEST_LINE = 64 * 1024;

export const send = (socket: Socket, message: Notice | Greeting): void => {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
};

/** Calls `handle` with each message; what is no JSON object on a line ends the connection. */
export function onMessages<T extends Notice | Greeting>(socket: Socket, handle: (message: Partial<T>) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    try {
      for (const line of lines) handle(Object(JSON.parse(line)));
      if (rest.length > LONGEST_LINE) throw new Error('line too long');
    } catch {
      socket.destroy();
    }
  });
}
