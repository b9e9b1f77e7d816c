import { type AddressInfo, createServer } from 'node:net';
import S3rver from 's3rver';
import { afterAll } from 'vitest';
import { directories } from './backups.ts';

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

/** Starts servers that speak the language of S3, with a bucket each, until the tests of the file have ended. */
export function s3Servers(): () => Promise<S3Server> {
  const freshDirectory = directories();
  const running: S3rver[] = [];
  afterAll(async () => {
    for (const server of running) await server.close();
  });
  return async () => {
    const port = await freePort();
    const server = new S3rver({
      address: '127.0.0.1',
      port,
      silent: true,
      directory: await freshDirectory(),
      configureBuckets: [{ name: 'backups', configs: [] }],
    });
    await server.run();
    running.push(server);
    return {
      url: `s3://backups/roster?endpoint=http://127.0.0.1:${port}`,
      env: { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' },
    };
  };
}
