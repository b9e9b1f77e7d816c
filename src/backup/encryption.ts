/**
 * Encryption of whole files in chunks, so that memory does not grow with them: AES-256-GCM in the STREAM construction
 * (Hoang, Reyhanitabar, Rogaway, Vizár 2015). Each nonce holds the number of its chunk and whether it is the last one,
 * so that chunks cannot be exchanged, left out or added unnoticed, at the end neither. Each file has a key of its own,
 * derived from a random salt, the backup and the path: what stood elsewhere does not open here.
 *
 *   file  = magic (8 bytes), salt (32), chunk …        chunk = ciphertext (65,536 bytes, the last one fewer), tag (16)
 *   nonce = zeros (7 bytes), number of the chunk (4, big-endian), 1 for the last one or 0 (1)
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { BackupDamagedError } from './errors.ts';
import type { BackupKey } from './keys.ts';

/** Where an encrypted file belongs. */
export interface FilePlace {
  readonly backupId: string;
  /** Within the backup. */
  readonly path: string;
}

type Bytes = AsyncIterable<Uint8Array>;

/** Behind the names of encrypted files. */
export const ENCRYPTED = '.enc';

export const ALGORITHM = 'AES-256-GCM-STREAM-64KiB';
const CIPHER = 'aes-256-gcm';
const MAGIC = Buffer.from('RSTRBK1\n');
const SALT_BYTES = 32;
const HEADER_BYTES = MAGIC.length + SALT_BYTES;
const CHUNK_BYTES = 65_536;
const TAG_BYTES = 16;
/** Of the number of a chunk: files of up to 256 TiB. */
const MAX_CHUNKS = 2 ** 32;

/** Encrypts a file for its place, piece by piece. */
export async function* encrypted(content: Bytes, key: BackupKey, place: FilePlace): AsyncGenerator<Buffer> {
  const header = Buffer.concat([MAGIC, randomBytes(SALT_BYTES)]);
  const fileKey = fileKeyOf(key, header, place);
  yield header;
  let number = 0;
  for await (const { chunk, last } of inChunks(content, CHUNK_BYTES)) {
    const cipher = createCipheriv(CIPHER, fileKey, nonceOf(number++, last), { authTagLength: TAG_BYTES });
    yield Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }
}

/**
 * Opens what `encrypted` made for the same place. A chunk is handed out once it is known to be what was written at that
 * point; that nothing is missing behind it, only at the end: until then the content is not to be relied on.
 * @throws {BackupDamagedError} when the file was altered, cut, lengthened or moved, or its key is another one
 */
export async function* decrypted(content: Bytes, key: BackupKey, place: FilePlace): AsyncGenerator<Buffer> {
  let fileKey: Buffer | undefined;
  let number = 0;
  for await (const { chunk, last } of inChunks(content, CHUNK_BYTES + TAG_BYTES, HEADER_BYTES)) {
    if (fileKey !== undefined) yield openedChunk(chunk, fileKey, nonceOf(number++, last), place);
    // A file without any content has a chunk all the same.
    else if (last || !MAGIC.equals(chunk.subarray(0, MAGIC.length))) throw damaged(place);
    else fileKey = fileKeyOf(key, chunk, place);
  }
}

function openedChunk(chunk: Uint8Array, fileKey: Buffer, nonce: Buffer, place: FilePlace): Buffer {
  if (chunk.length < TAG_BYTES) throw damaged(place);
  const decipher = createDecipheriv(CIPHER, fileKey, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(chunk.subarray(-TAG_BYTES));
  const body = decipher.update(chunk.subarray(0, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    throw damaged(place);
  }
  return body;
}

const damaged = ({ path }: FilePlace): BackupDamagedError =>
  new BackupDamagedError(`${path} does not open: it was damaged, altered, cut off, or belongs elsewhere.`);

function nonceOf(number: number, last: boolean): Buffer {
  if (number >= MAX_CHUNKS) throw new RangeError('A file has too many chunks');
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number, 7);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Each part carries its length: ('ab', 'c') and ('a', 'bc') must not be the same place. */
function fileKeyOf(key: BackupKey, header: Uint8Array, { backupId, path }: FilePlace): Buffer {
  const parts = [header, Buffer.from(backupId), Buffer.from(path)].flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return [length, part];
  });
  return key.derive('file', Buffer.concat(parts));
}

/**
 * Cuts content into chunks of `size`, the first one of `firstSize`. The last one may be shorter, and is there also where
 * there is no content at all.
 */
async function* inChunks(
  content: Bytes,
  size: number,
  firstSize = size,
): AsyncGenerator<{ chunk: Uint8Array; last: boolean }> {
  let held: Uint8Array = Buffer.alloc(0);
  let wanted = firstSize;
  for await (const piece of content) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    let start = 0;
    // Only what something stands behind is not the last one.
    while (held.length - start > wanted) {
      yield { chunk: held.subarray(start, start + wanted), last: false };
      start += wanted;
      wanted = size;
    }
    held = held.subarray(start);
  }
  yield { chunk: held, last: true };
}
