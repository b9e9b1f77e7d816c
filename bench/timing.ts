import { Agent, request } from 'node:http';
import type { Target } from './report.ts';
import { distinguishability, median } from './statistics.ts';

/** Whether time tells who has an account: the same request about a known and an unknown email, by turns. */
export interface Timing {
  readonly endpoint: string;
  readonly pairs: number;
  readonly knownMs: number;
  readonly unknownMs: number;
  readonly distinguishability: number;
}

const MAX_GAP_MS = 2;
const MAX_DISTINGUISHABILITY = 0.55;

/** So many are thrown away first: code is compiled while it is called for the first time. */
const WARM_UP_PAIRS = 100;

interface Endpoint {
  readonly name: string;
  readonly path: string;
  readonly body: (email: string) => object;
}

const ENDPOINTS: readonly Endpoint[] = [
  {
    name: 'sign-in with a wrong password',
    path: '/v1/sessions',
    body: (email) => ({ email, password: 'not the right pass phrase' }),
  },
  { name: 'password reset', path: '/v1/password-resets', body: (email) => ({ email }) },
  { name: 'email verification', path: '/v1/email-verifications', body: (email) => ({ email }) },
  { name: 'magic link', path: '/v1/sessions/magic-link', body: (email) => ({ email }) },
];

/** One connection, one request after the other: what is measured is the service, not a queue in front of it. */
export async function measureTiming(origin: string, known: readonly string[], pairs: number): Promise<Timing[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const timings: Timing[] = [];
  try {
    for (const endpoint of ENDPOINTS) timings.push(await measureEndpoint(agent, origin, endpoint, known, pairs));
  } finally {
    agent.destroy();
  }
  return timings;
}

async function measureEndpoint(
  agent: Agent,
  origin: string,
  { name, path, body }: Endpoint,
  known: readonly string[],
  pairs: number,
): Promise<Timing> {
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let n = -WARM_UP_PAIRS; n < pairs; n++) {
    // Each account once an endpoint as far as they go round: what is bounded for an account is not what is measured.
    const email = known[(n + WARM_UP_PAIRS) % known.length] ?? '';
    const pair = [
      ['known', email],
      ['unknown', `nobody.${email}`],
    ] as const;
    for (const [kind, address] of n % 2 === 0 ? pair : pair.toReversed()) {
      const ms = await timed(agent, new URL(path, origin), JSON.stringify(body(address)));
      if (n >= 0) times[kind].push(ms);
    }
  }
  return {
    endpoint: name,
    pairs,
    knownMs: median(times.known),
    unknownMs: median(times.unknown),
    distinguishability: distinguishability(times.known, times.unknown),
  };
}

/** Milliseconds until the whole answer is there. */
function timed(agent: Agent, url: URL, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const sent = request(url, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.on('end', () => {
        const expected = response.statusCode === 401 || response.statusCode === 202;
        if (expected) resolve(performance.now() - started);
        else reject(new Error(`${url.pathname} answered ${response.statusCode}`));
      });
      response.resume();
    });
    sent.end(body);
  });
}

export const timingTargets = (timings: readonly Timing[]): Target[] =>
  timings.flatMap(({ endpoint, knownMs, unknownMs, distinguishability: area }) => [
    {
      what: `${endpoint}: median gap between known and unknown, ms`,
      limit: MAX_GAP_MS,
      atMost: true,
      value: Math.abs(knownMs - unknownMs),
    },
    {
      what: `${endpoint}: known told from unknown by one answer (AUC)`,
      limit: MAX_DISTINGUISHABILITY,
      atMost: true,
      value: area,
    },
  ]);
