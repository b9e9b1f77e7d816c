import { connect } from 'node:net';

/** What came back over a plain connection. */
export interface RawResponse {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  readonly text: string;
}

const DEADLINE_MS = 10_000;

/** Sends these very bytes, as no client would, and returns the first answer without waiting for the connection to end. */
export function sendRaw(port: number, bytes: string | Buffer): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const finish = (): void => {
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
      socket.destroy();
    };
    socket.setTimeout(DEADLINE_MS, () => {
      socket.destroy();
      reject(new Error(`no answer within ${DEADLINE_MS} ms`));
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (isWhole(text)) finish();
    });
    socket.on('close', finish);
    // A server that has answered early may close the connection while the rest is still being sent.
    socket.on('error', () => finish());
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
  return end !== -1 && text.length >= end + 4 + length;
}
