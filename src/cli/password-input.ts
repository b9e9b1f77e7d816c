import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UsageError } from './context.ts';

/** Far above the longest password, far below what would exhaust the memory. */
const MAX_BYTES = 65_536;

type Input = AsyncIterable<Uint8Array | string> & NodeJS.ReadableStream;

/**
 * The password in a pipe: one line of UTF-8, without the line break at its end and with everything else.
 * @throws {UsageError}
 */
export async function pipedPassword(input: Input): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > MAX_BYTES) throw new UsageError('The standard input is too long for a password.');
  }
  const password = decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  if (password === '') throw new UsageError('The standard input holds no password.');
  if (/[\r\n]/.test(password)) throw new UsageError('The standard input holds more than one line.');
  return password;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError('The standard input is not UTF-8.');
  }
}

/**
 * Asks for a password at a terminal, twice and without showing it.
 * @throws {UsageError} when the two differ or there is none
 */
export async function askedPassword(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<string> {
  const password = await askHidden('Password: ', input, output);
  if (password === '') throw new UsageError('No password was typed.');
  if ((await askHidden('Again:    ', input, output)) !== password) throw new UsageError('The two passwords differ.');
  return password;
}

/** readline echoes what is typed into the output it is given, and this one swallows it. */
async function askHidden(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  const answer = new Promise<string>((resolve, reject) => {
    lines.once('SIGINT', () => reject(new UsageError('Interrupted.')));
    lines.once('close', () => resolve(''));
    lines.once('line', resolve);
  });
  output.write(question);
  try {
    return await answer;
  } finally {
    lines.close();
    output.write('\n');
  }
}
