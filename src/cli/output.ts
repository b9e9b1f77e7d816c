import { once } from 'node:events';
import { inPieces, UnwritableFileError, writeFileWhole } from '../export/output-file.ts';
import { UsageError } from './context.ts';

/**
 * Writes lines into a file, whole or not at all, or to the standard output.
 * @throws {UsageError} when the file cannot be written
 */
export async function writeLines(file: string | undefined, lines: AsyncIterable<string>): Promise<void> {
  await (file === undefined ? writeToStandardOutput(lines) : writeFileWhole(file, lines)).catch((error: unknown) => {
    throw error instanceof UnwritableFileError ? new UsageError(error.message) : error;
  });
}

/** At the pace of whoever reads it. */
async function writeToStandardOutput(lines: AsyncIterable<string>): Promise<void> {
  for await (const piece of inPieces(lines)) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  }
}
