import { once } from 'node:events';
import autocannon from 'autocannon';
import { type LoadRequest, load, ownHeaders } from './load.ts';
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
  const { answered, refused, seconds } = await flood.stop();
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

/** Offers sign-ins at a fixed rate whatever becomes of them. */
function startFlood(origin: string, perSecond: number, next: () => LoadRequest) {
  const started = performance.now();
  let answered = 0;
  let refused = 0;
  const instance = autocannon(
    {
      url: origin,
      connections: FLOOD_CONNECTIONS,
      overallRate: perSecond,
      duration: SECONDS * 10,
      timeout: 60,
      requests: [{ setupRequest: (request) => ({ ...request, ...ownHeaders(next()) }) }],
    },
    () => {},
  );
  const done = once(instance, 'done');
  instance.on('response', (_client, status) => {
    if (status < 400) answered += 1;
    else refused += 1;
  });
  return {
    async stop() {
      const seconds = (performance.now() - started) / 1000;
      const result = { answered, refused, seconds };
      instance.stop();
      await done;
      return result;
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
