import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { UnusableFileError } from './errors.ts';

export interface ImportFile {
  readonly stream: AsyncIterable<Buffer>;
  /** Undefined for what is no regular file, such as a pipe. */
  readonly bytes: number | undefined;
}

/** @throws {UnusableFileError} when there is nothing to read */
export async function openFile(path: string): Promise<ImportFile> {
  try {
    const handle = await open(path, 'r');
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      await handle.close();
      throw new UnusableFileError(`${path} is a directory.`);
    }
    return { stream: createReadStream(path, { fd: handle }), bytes: stats.isFile() ? stats.size : undefined };
  } catch (error) {
    if (error instanceof UnusableFileError) throw error;
    throw new UnusableFileError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}
