import net from 'node:net';
import { type Doc, decode, encode } from '../bson.ts';
import { CommandError } from '../errors.ts';
import { encodeCommand, MessageReader } from './wire.ts';

const TIMEOUT_MS = 5000;
/** Header, flags and section kind. */
const REPLY_DOCUMENT_AT = 21;

/**
 * Sends one command to another server and returns its reply.
 * @param host `host:port`
 * Throws `CommandError`: the server's own, or HostNotFound (7) when it cannot be reached.
 */
export async function sendCommand(host: string, command: Doc): Promise<Doc> {
  const reply = await exchange(host, encodeCommand(1, encode(command)));
  if (reply['ok'] !== 1) throw new CommandError(Number(reply['code']), String(reply['errmsg']));
  return reply;
}

function exchange(host: string, message: Buffer): Promise<Doc> {
  const colon = host.lastIndexOf(':');
  const address = host.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new CommandError(7, `cannot reach replica set member ${host}: ${reason}`));
    };
    const reader = new MessageReader();
    const socket = net.connect(Number(host.slice(colon + 1)), address, () => socket.write(message));
    socket.setTimeout(TIMEOUT_MS, () => fail('no answer'));
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('the connection was closed'));
    socket.on('data', (chunk: Buffer) => {
      try {
        const [reply] = reader.push(chunk);
        if (reply !== undefined) resolve(decode(reply.subarray(REPLY_DOCUMENT_AT)));
        if (reply !== undefined) socket.destroy();
      } catch (error) {
        fail(String(error));
      }
    });
  });
}
