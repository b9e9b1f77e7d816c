import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RangeService {
  /** For PASSWORD_RANGE_CHECK_URL. */
  readonly url: string;
  /** What was asked, oldest first. */
  readonly asked: IncomingMessage[];
  /** From here on it knows this password from so many breaches. */
  know(password: string, count?: number): void;
  /** Answers otherwise than it should; undefined mends it. */
  answer: ((response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

const sha1 = (password: string): string => createHash('sha1').update(password).digest('hex').toUpperCase();
const stranger = (): string => randomBytes(18).toString('hex').toUpperCase().slice(0, 35);

/** A service of breached passwords on this machine, with the interface of Have I Been Pwned. */
export async function startRangeService(): Promise<RangeService> {
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    service.asked.push(request);
    if (service.answer) return service.answer(response);
    const [, prefix = ''] = /^\/range\/([0-9A-F]{5})$/.exec(request.url ?? '') ?? [];
    if (prefix === '') return response.writeHead(400).end('The hash format was not in a valid format');
    const known = [...counts].filter(([hash]) => hash.startsWith(prefix));
    const lines = [
      `${stranger()}:3`,
      ...known.map(([hash, count]) => `${hash.slice(5)}:${count}`),
      ...Array.from({ length: 800 }, () => `${stranger()}:0`),
    ];
    return response.writeHead(200, { 'content-type': 'text/plain' }).end(lines.join('\r\n'));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const service: RangeService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`,
    asked: [],
    know: (password, count = 7) => void counts.set(sha1(password), count),
    answer: undefined,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return service;
}
