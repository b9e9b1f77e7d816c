import type { AddressInfo } from 'node:net';
import type { App } from '../../src/types/fastify.ts';

/** Listens on a free port of this machine, and tells which. */
export async function listen(app: App): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return portOf(app);
}

export const portOf = (app: App): number => (app.server.address() as AddressInfo).port;
