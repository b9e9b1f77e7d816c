import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../src/backup/storage/open.ts';
import { S3Storage } from '../../src/backup/storage/s3.ts';
import { readText, type Storage } from '../../src/backup/storage/storage.ts';
import { parseBackupUrl } from '../../src/backup/storage/url.ts';
import { directories } from '../helpers/backups.ts';
import { s3Servers } from '../helpers/s3-server.ts';

const freshDirectory = directories();
const startS3 = s3Servers();

async function* of(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

const text = (content: string) => of(Buffer.from(content));

async function whole(storage: Storage, path: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await storage.read(path)) ?? []) pieces.push(piece);
  return Buffer.concat(pieces);
}

afterAll(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
});

describe.each(['a directory', 'S3'])('%s', (kind) => {
  let url: string;
  let storage: Storage;
  beforeAll(async () => {
    if (kind === 'S3') {
      const server = await startS3();
      Object.assign(process.env, server.env);
      url = server.url;
    } else url = pathToFileURL(`${await freshDirectory()}/backups`).href;
    storage = await openStorage(url);
  });
  afterAll(() => storage.close());

  it('holds nothing at first', async () => {
    expect(await storage.directories()).toEqual([]);
    expect(await storage.read('a/b.gz')).toBeUndefined();
    expect(await storage.files('a')).toEqual([]);
  });

  it('gives back what was written, also where it takes several parts', async () => {
    const pieces = Array.from({ length: 40 }, () => randomBytes(1_000_003));
    await storage.write('a/db/large.gz', of(...pieces));
    expect((await whole(storage, 'a/db/large.gz')).equals(Buffer.concat(pieces))).toBe(true);
    await storage.write('a/db/empty.gz', of());
    expect(await whole(storage, 'a/db/empty.gz')).toHaveLength(0);
  });

  it('lists directories and their files', async () => {
    await storage.write('a/manifest.json', text('a'));
    await storage.write('b/manifest.json', text('b'));
    expect((await storage.directories()).sort()).toEqual(['a', 'b']);
    expect((await storage.files('a')).sort()).toEqual(['a/db/empty.gz', 'a/db/large.gz', 'a/manifest.json']);
  });

  it('holds the old content or the new one, never a part', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield randomBytes(20_000_000);
      throw new Error('the database is gone');
    }
    await expect(storage.write('b/manifest.json', broken())).rejects.toThrow('the database is gone');
    expect(await readText(storage, 'b/manifest.json')).toBe('b');
    await expect(storage.write('b/new.gz', broken())).rejects.toThrow('the database is gone');
    expect(await storage.files('b')).toEqual(['b/manifest.json']);
    if (kind !== 'S3') expect(await readdir(fileURLToPath(`${url}/b`))).toEqual(['manifest.json']);
  });

  it('removes files and directories, and does not mind what is gone', async () => {
    await storage.remove('a/manifest.json');
    await storage.remove('a/manifest.json');
    expect(await storage.files('a')).not.toContain('a/manifest.json');
    await storage.removeDirectory('a');
    await storage.removeDirectory('a');
    expect(await storage.directories()).toEqual(['b']);
  });
});

it('S3 that is not there, or has no such bucket, is told', async () => {
  const server = await startS3();
  Object.assign(process.env, server.env);
  const gone = await openStorage(server.url.replace('s3://backups', 's3://none'));
  await expect(gone.directories()).rejects.toThrow();
  await expect(gone.write('a/b', text('x'))).rejects.toThrow();
  gone.close();
});

describe('BACKUP_URL', () => {
  it('is a directory or a place in S3', () => {
    expect(parseBackupUrl('file:///var/backups')).toEqual({ kind: 'directory', path: '/var/backups' });
    expect(parseBackupUrl('s3://bucket/a/b/?region=eu-central-1&endpoint=https://s3.example.com')).toEqual({
      kind: 's3',
      bucket: 'bucket',
      prefix: 'a/b',
      endpoint: 'https://s3.example.com',
      region: 'eu-central-1',
    });
    expect(parseBackupUrl('s3://bucket')).toEqual({ kind: 's3', bucket: 'bucket', prefix: '' });
  });

  it.each([
    '/var/backups',
    'https://bucket.example.com',
    's3:///prefix',
    's3://id:secret@bucket/prefix',
    's3://bucket?regoin=x',
    's3://bucket?endpoint=s3.example.com',
  ])('is not %s', (url) => {
    expect(() => parseBackupUrl(url)).toThrow(TypeError);
  });
});

it('S3 that takes a connection and says nothing is given up', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', AWS_MAX_ATTEMPTS: '1' });
  const place = parseBackupUrl(`s3://backups?endpoint=http://127.0.0.1:${port}`) as never;
  const storage = new S3Storage(place, { requestTimeout: 50 });
  try {
    await expect(storage.directories()).rejects.toThrow(/timed? ?out|timeout/i);
  } finally {
    storage.close();
    silent.close();
    delete process.env['AWS_MAX_ATTEMPTS'];
  }
});
