import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Greeting, type Notice, onMessages, send } from './control.ts';

/** A stranger on this machine who connects and does not say the word is let go after this long. */
const GREETING_WITHIN_MS = 5_000;

/** Where the clients of a keeper come in, and how it knows that one has gone: a connection dies with its process. */
export interface FrontDoor {
  readonly port: number;
  readonly clients: number;
  /** Tells all clients, and the last word also to those who come later. */
  tell(notice: Notice): void;
  /** Takes nobody in any more. Those who are inside stay connected until this process ends. */
  close(): void;
}

export async function openFrontDoor(token: string, onChange: () => void): Promise<FrontDoor> {
  const inside = new Set<Socket>();
  let lastWord: Notice | undefined;
  let closed = false;
  // Half-open, because a client that leaves waits for us to hang up: by then the database has stopped, if it was the last.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    greet(socket, token, () => {
      if (closed) {
        socket.destroy(); // the database is stopping already: better to come again than to lose it
        return;
      }
      inside.add(socket);
      if (lastWord !== undefined) send(socket, lastWord);
      onChange();
    });
    const leave = () => {
      if (!inside.delete(socket)) return;
      if (inside.size > 0) socket.end();
      onChange();
    };
    socket.on('end', leave).on('close', leave);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get clients() {
      return inside.size;
    },
    tell: (notice) => {
      lastWord = notice;
      for (const socket of inside) send(socket, notice);
    },
    close: () => {
      closed = true;
      server.close();
    },
  };
}

function greet(socket: Socket, token: string, enter: () => void): void {
  const timer = setTimeout(() => socket.destroy(), GREETING_WITHIN_MS);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
  onMessages<Greeting>(socket, (message) => {
    if (message.token !== token) {
      socket.destroy();
      return;
    }
    clearTimeout(timer);
    enter();
  });
}
