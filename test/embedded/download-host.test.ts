import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { unreachable } from '../../src/embedded/download-host.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const ask = (env: NodeJS.ProcessEnv) => unreachable(env, () => {});

describe('without a proxy', () => {
  test('a network that takes every connection and answers none is recognised in seconds', async () => {
    const held = new Set<{ destroy(): void }>();
    const port = await listening(createServer((socket) => held.add(socket)));
    const started = Date.now();
    const obstacle = await ask({ MONGOMS_DOWNLOAD_MIRROR: `https://127.0.0.1:${port}` });
    expect(obstacle).toMatch(/cannot be reached \(no answer within 4 s\)/);
    expect(Date.now() - started).toBeLessThan(10_000);
    for (const socket of held) socket.destroy();
  });

  test('a refused connection and an unknown host are named as such', async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((closed) => server.close(closed));
    expect(await ask({ MONGOMS_DOWNLOAD_MIRROR: `https://127.0.0.1:${port}` })).toMatch(/ECONNREFUSED/);
    expect(await ask({ MONGOMS_DOWNLOAD_MIRROR: 'https://nowhere.invalid' })).toMatch(
      /^nowhere\.invalid cannot be reached/,
    );
  });

  test('a mirror that answers will do', async () => {
    const port = await listening(createHttpServer((_, response) => response.writeHead(403).end()));
    expect(await ask({ MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}` })).toBeUndefined();
  });
});

describe('through a proxy', () => {
  async function proxy(status: string): Promise<{ port: number; requests: string[] }> {
    const requests: string[] = [];
    const server = createHttpServer();
    server.on('connect', (request, socket) => {
      requests.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      socket.end(`HTTP/1.1 ${status}\r\n\r\n`);
    });
    return { port: await listening(server), requests };
  }

  test('that opens the tunnel, with its credentials', async () => {
    const { port, requests } = await proxy('200 Connection established');
    expect(await ask({ https_proxy: `http://user:p%40ss@127.0.0.1:${port}` })).toBeUndefined();
    expect(requests).toEqual([`fastdl.mongodb.org:443 Basic ${btoa('user:p@ss')}`]);
  });

  test('that does not', async () => {
    const { port } = await proxy('403 Forbidden');
    expect(await ask({ https_proxy: `http://127.0.0.1:${port}` })).toBe(
      'fastdl.mongodb.org cannot be reached through the proxy (it answered 403)',
    );
  });
});

test('a download that is switched off, or an address that is none, needs no network', async () => {
  expect(await ask({ MONGOMS_RUNTIME_DOWNLOAD: 'false' })).toMatch(/forbids a download/);
  expect(await ask({ MONGOMS_DOWNLOAD_MIRROR: 'nonsense' })).toMatch(/nonsense is no URL/);
});
