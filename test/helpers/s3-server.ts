import { type AddressInfo, createServer } from 'node:net';
import S3rver from 's3rver';
import { afterAll } from 'vitest';
import { freshDirectory } from './backups.ts';

export interface S3Server {
  /** For BACKUP_URL. */
  readonly url: string;
  /** What the client of S3 reads. */
  readonly env: Readonly<Record<string, string>>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server that speaks the language of S3, with one bucket, until the file's tests have ended. */
export async function startS3(bucket = 'backups'): Promise<S3Server> {
  const port = await freePort();
  const server = new S3rver({
    address: '127.0.0.1',
    port,
    silent: true,
    directory: await freshDirectory(),
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  await server.run();
  afterAll(() => server.close());
  return {
    url: `s3://${bucket}/roster?endpoint=http://127.0.0.1:${port}`,
    env: { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' },
  };
}
