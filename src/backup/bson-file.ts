import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { BackupDamagedError, BackupError } from './errors.ts';

/** The smallest document and the largest one that servers take, in bytes of BSON. */
const DOCUMENT_BYTES = { min: 5, max: 16 * 1024 * 1024 + 16 * 1024 };

type Bytes = AsyncIterable<Uint8Array>;

/** @param name of the file, for the message when it is damaged */
export async function* uncompressed(content: Bytes, name: string): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  // It fails where whoever reads sees it: a source that throws destroys the stream with its error.
  const feeding = pipeline(content, gunzip).catch(() => {});
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof BackupError) throw error;
    throw new BackupDamagedError(`${name} is not compressed as it was written.`, { cause: error });
  }
  await feeding;
}

/** Each document begins with its length. */
export async function* documentsIn(content: Bytes, name: string): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const piece of content) {
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece]);
    let start = 0;
    while (held.length - start >= 4) {
      const length = held.readInt32LE(start);
      if (length < DOCUMENT_BYTES.min || length > DOCUMENT_BYTES.max)
        throw new BackupDamagedError(`${name} holds something that is no document.`);
      if (held.length - start < length) break;
      yield held.subarray(start, start + length);
      start += length;
    }
    held = held.subarray(start);
  }
  if (held.length > 0) throw new BackupDamagedError(`${name} ends within a document.`);
}
