import { Agent, request } from 'node:http';
import { type LoadRequest, load } from './load.ts';
import type { Target } from './report.ts';
import { quantile } from './statistics.ts';

/** Reading oneself while ten times as many want to sign in as can be hashed. */
export interface Overload {
  readonly signInsOffered: number;
  readonly signInsDone: number;
  readonly signInsRefused: number;
  readonly reads: number;
  readonly readP50: number;
  readonly readP99: number;
}

const FACTOR = 10;
const SECONDS = 10;
const FLOOD_CONNECTIONS = 400;
const READERS = 4;
const MAX_READ_P99_MS = 100;

/** @param capacity sign-ins a second, as measured without overload */
export async function measureOverload(
  origin: string,
  capacity: number,
  signIn: () => LoadRequest,
  read: () => LoadRequest,
): Promise<Overload> {
  const flood = startFlood(origin, Math.round(capacity * FACTOR), signIn);
  // Until the queue is full, and once more for the reads that were made while it filled.
  await load(origin, READERS, READERS * 100, read);
  const latencies: number[] = [];
  const ends = performance.now() + SECONDS * 1000;
  while (performance.now() < ends) latencies.push(...(await load(origin, READERS, READERS * 50, read)).latencies);
  const { answered, refused, seconds } = flood.stop();
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    signInsOffered: (answered + refused) / seconds,
    signInsDone: answered / seconds,
    signInsRefused: refused / seconds,
    reads: sorted.length / SECONDS,
    readP50: quantile(sorted, 0.5),
    readP99: quantile(sorted, 0.99),
  };
}

/**
 * Offers sign-ins whatever becomes of them, as people come who know nothing of each other: the times between them are
 * exponentially distributed. (A rate that a load generator grants each connection anew would come in bursts.)
 */
function startFlood(origin: string, perSecond: number, next: () => LoadRequest) {
  const agent = new Agent({ keepAlive: true, maxSockets: FLOOD_CONNECTIONS });
  const url = new URL(origin);
  const started = performance.now();
  let answered = 0;
  let refused = 0;
  let due = started;

  function offer(): void {
    const { path, method, headers, body } = next();
    const sent = request(url, { path, method, headers: { ...headers }, agent });
    sent.on('response', (response) => {
      if ((response.statusCode ?? 0) < 400) answered += 1;
      else refused += 1;
      response.resume();
    });
    // What is under way at the end is not counted.
    sent.on('error', () => {});
    sent.end(body);
  }
  const timer = setInterval(() => {
    for (; due <= performance.now(); due += (-Math.log(1 - Math.random()) * 1000) / perSecond) offer();
  }, 1);

  return {
    stop() {
      clearInterval(timer);
      agent.destroy();
      return { answered, refused, seconds: (performance.now() - started) / 1000 };
    },
  };
}

export const overloadTargets = ({ readP99 }: Overload): Target[] => [
  {
    what: 'reading oneself during ten times the sign-ins, p99 ms',
    limit: MAX_READ_P99_MS,
    atMost: true,
    value: readP99,
  },
];
