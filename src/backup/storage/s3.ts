import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { Storage } from './storage.ts';
import { type BackupPlace, locationOf } from './url.ts';

/** Two parts are in memory at once; S3 takes 10,000 of them, which is 160 GB for one collection. */
const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** Of a part on a slow line, which is the longest that a request takes. */
const TIMEOUTS = { connectionTimeout: 10_000, requestTimeout: 300_000, throwOnRequestTimeout: true };

/** Backups in a bucket of S3, or of whatever speaks its language. */
export class S3Storage implements Storage {
  readonly location: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #root: string;

  /** Credentials are those of the environment (`AWS_ACCESS_KEY_ID` …), of its profile, or of the machine. */
  constructor(place: Extract<BackupPlace, { kind: 's3' }>, timeouts: { readonly requestTimeout?: number } = {}) {
    const { bucket, prefix, endpoint, region } = place;
    this.#bucket = bucket;
    this.#root = prefix === '' ? '' : `${prefix}/`;
    this.location = locationOf(place);
    this.#client = new S3Client({
      // Names of buckets are no host names everywhere.
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      ...((region ?? endpoint) !== undefined && { region: region ?? 'us-east-1' }),
      // Not every server knows the newer checksums; what was stored is compared by the hashes of the manifest.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // A server that takes a connection and says nothing would hold the run, and so all others, for ever.
      requestHandler: { ...TIMEOUTS, ...timeouts },
    });
  }

  async directories(): Promise<string[]> {
    const found: string[] = [];
    for await (const page of this.#pages(this.#root, '/'))
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) found.push(Prefix.slice(this.#root.length, -1));
    return found;
  }

  async files(directory: string): Promise<string[]> {
    const found: string[] = [];
    for await (const page of this.#pages(`${this.#root}${directory}/`))
      for (const { Key = '' } of page.Contents ?? []) found.push(Key.slice(this.#root.length));
    return found;
  }

  async *#pages(prefix: string, delimiter?: string) {
    let token: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: prefix,
          ...(delimiter !== undefined && { Delimiter: delimiter }),
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      );
      yield page;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** In parts, as nobody knows the length beforehand. The object is there once they are put together. */
  async write(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    let broken: unknown;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* content;
      } catch (error) {
        broken = error;
        throw error;
      }
    }
    const upload = new Upload({
      client: this.#client,
      params: { Bucket: this.#bucket, Key: this.#root + path, Body: Readable.from(source(), { objectMode: false }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    // A server that does not take back what it was sent must not hide why it was not sent to its end.
    await upload.done().catch((error: unknown) => {
      throw broken ?? error;
    });
  }

  async read(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: this.#root + path }));
      return Body as Readable;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#root + path }));
  }

  async removeDirectory(directory: string): Promise<void> {
    for await (const { Contents = [] } of this.#pages(`${this.#root}${directory}/`)) {
      const Objects = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
      if (Objects.length === 0) continue;
      const { Errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects } }),
      );
      if (Errors[0]) throw new Error(`${Errors[0].Key} cannot be removed: ${Errors[0].Message}`);
    }
  }

  close(): void {
    this.#client.destroy();
  }
}
