import { type AddressInfo, createServer } from 'node:net';
import type { App } from '../../src/types/fastify.ts';

/** Listens on a free port of this machine, and tells which. */
export async function listen(app: App): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return portOf(app);
}

export const portOf = (app: App): number => (app.server.address() as AddressInfo).port;

/** A port that nobody has at the moment, for what must know it before it listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
