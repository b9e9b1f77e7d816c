import { randomBytes } from 'node:crypto';
import { lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Text is handed to the system in pieces of about this size. */
const PIECE_LENGTH = 65_536;

/** A file cannot be written there; the message says why. */
export class UnwritableFileError extends Error {
  override readonly name = 'UnwritableFileError';
}

/**
 * Writes a file that only its owner can read, whole or not at all: under another name until everything is on the disk,
 * so that a failed export neither passes for a complete one nor destroys the one from yesterday.
 * @throws {UnwritableFileError} before anything is read from `lines`
 */
export async function writeFileWhole(path: string, lines: AsyncIterable<string>): Promise<void> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing && !existing.isFile())
    throw new UnwritableFileError(
      `${path} is no regular file. Without --output the export goes to the standard output.`,
    );
  const draft = `${path}.${randomBytes(6).toString('hex')}.part`;
  const file = await open(draft, 'wx', 0o600).catch((error: Error) => {
    throw new UnwritableFileError(`${path} cannot be written: ${error.message}.`);
  });
  try {
    for await (const piece of inPieces(lines)) await file.write(piece);
    await file.sync();
    await file.close();
    await rename(draft, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await file.close().catch(() => {});
    await rm(draft, { force: true });
    throw error;
  }
}

/** A rename is on the disk when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Joins short lines: a call of the system for each would cost more than the export itself. */
export async function* inPieces(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = '';
  for await (const line of lines) {
    piece += line;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
