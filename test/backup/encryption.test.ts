import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decrypted, encrypted, type FilePlace } from '../../src/backup/encryption.ts';
import { BackupDamagedError } from '../../src/backup/errors.ts';
import { freshKeys } from '../helpers/backups.ts';

const HEADER = 40;
const CHUNK = 65_536;
const TAG = 16;

const key = freshKeys().writing;
const place: FilePlace = { backupId: '20260131T021700Z-1a2b3c4d', path: 'roster/users.bson.gz.enc' };

async function* pieces(content: Buffer, size = 50_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of content) all.push(piece);
  return Buffer.concat(all);
}

const sealed = (content: Buffer, size?: number) => whole(encrypted(pieces(content, size), key, place));
const opened = (file: Buffer, where = place, by = key, size?: number) =>
  whole(decrypted(pieces(file, size), by, where));

const content = Buffer.from(Array.from({ length: 3 * CHUNK + 1_000 }, (_, n) => (n * 31 + (n >> 8)) & 0xff));
const chunksOf = (file: Buffer): Buffer[] => {
  const chunks: Buffer[] = [];
  for (let at = HEADER; at < file.length; at += CHUNK + TAG) chunks.push(file.subarray(at, at + CHUNK + TAG));
  return chunks;
};
const file = await sealed(content);
const header = file.subarray(0, HEADER);
const chunks = chunksOf(file);
const [first, second, third, last] = chunks as [Buffer, Buffer, Buffer, Buffer];

describe('an encrypted file', () => {
  it('opens, whatever its length and however it comes', async () => {
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1),
    );
    const sizes = fc.integer({ min: 1, max: 200_000 });
    await fc.assert(
      fc.asyncProperty(lengths, sizes, sizes, async (length, written, read) => {
        const some = content.subarray(0, length);
        // Pieces of a byte each would take long for what they show.
        const step = Math.max(read, Math.ceil(length / 500));
        const own = await sealed(some, Math.max(written, Math.ceil(length / 500)));
        expect(own.length).toBe(HEADER + length + TAG * Math.max(1, Math.ceil(length / CHUNK)));
        expect((await opened(own, place, key, step)).equals(some)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('shows nothing of what it holds, and is another one each time', async () => {
    const text = Buffer.from('ada@example.com '.repeat(10_000));
    const [one, another] = [await sealed(text), await sealed(text)];
    expect(one.includes('ada@example')).toBe(false);
    expect(one.subarray(8).equals(another.subarray(8))).toBe(false);
  });

  it('does not open with a bit changed, wherever', async () => {
    const small = await sealed(content.subarray(0, 100));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: small.length * 8 - 1 }), async (bit) => {
        const altered = Buffer.from(small);
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await expect(opened(altered)).rejects.toThrow(BackupDamagedError);
      }),
      { numRuns: 200 },
    );
  });

  const tampered: Record<string, () => Buffer> = {
    'without its last chunk': () => Buffer.concat([header, first, second, third]),
    'without its first chunk': () => Buffer.concat([header, second, third, last]),
    'without a chunk in the middle': () => Buffer.concat([header, first, third, last]),
    'with two chunks exchanged': () => Buffer.concat([header, second, first, third, last]),
    'with a chunk twice': () => Buffer.concat([header, first, first, second, third, last]),
    'with its last chunk twice': () => Buffer.concat([file, last]),
    'with something behind it': () => Buffer.concat([file, Buffer.from('x')]),
    'cut within a chunk': () => file.subarray(0, -1),
    'cut to its header': () => header,
    'cut within its header': () => header.subarray(0, 20),
    empty: () => Buffer.alloc(0),
  };
  it.each(Object.entries(tampered))('does not open %s', async (_name, tamper) => {
    await expect(opened(tamper())).rejects.toThrow(BackupDamagedError);
  });

  it('does not open in another place, nor with a chunk or the header of another file, nor with another key', async () => {
    const elsewhere = [
      { ...place, path: 'roster/sessions.bson.gz.enc' },
      { ...place, backupId: '20260131T021700Z-1a2b3c4e' },
      // The same letters, parted elsewhere.
      { backupId: `${place.backupId}r`, path: place.path.slice(1) },
    ];
    for (const where of elsewhere) await expect(opened(file, where)).rejects.toThrow(BackupDamagedError);
    const twin = await sealed(content);
    const mixed = [header, first, chunksOf(twin)[1] as Buffer, third, last];
    await expect(opened(Buffer.concat(mixed))).rejects.toThrow(BackupDamagedError);
    await expect(opened(Buffer.concat([twin.subarray(0, HEADER), ...chunks]))).rejects.toThrow(BackupDamagedError);
    await expect(opened(file, place, freshKeys().writing)).rejects.toThrow(BackupDamagedError);
  });

  it('fails with the error of its source', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('x');
      throw new Error('the disk is gone');
    }
    await expect(whole(encrypted(broken(), key, place))).rejects.toThrow('the disk is gone');
  });
});
