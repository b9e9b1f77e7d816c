import { fileURLToPath } from 'node:url';
import type { BenchDatabase } from './database.ts';
import { load } from './load.ts';
import { type Measurement, measure, type Participant, ratio, warmUp } from './measure.ts';
import type { Tokens } from './operations.ts';
import type { Target } from './report.ts';
import { type ServiceProcess, startService } from './service.ts';

const PROGRAM = fileURLToPath(new URL('./trails-server.ts', import.meta.url));
const WRITERS = [1, 16];

/** What a write leaves behind, each beside the same with a document of equal size elsewhere. */
const PAIRS = {
  audit: { with: 'write with its audit event', without: 'write with another document', limit: 0.8 },
  journal: { with: 'write with its journal', without: 'write with other documents', limit: 0.75 },
} as const;
const KINDS = { audit: ['audited', 'unaudited'], journal: ['journaled', 'unjournaled'] } as const;
export const TRAILS = ['audit', 'journal'] as const;
type Trail = (typeof TRAILS)[number];

/** Writes through HTTP whose transaction leaves that behind, beside the same with a document of equal size elsewhere. */
export async function measureTrail(
  trail: Trail,
  database: BenchDatabase,
  keyring: string,
  tokens: Tokens,
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
): Promise<Measurement[]> {
  const services: ServiceProcess[] = [];
  const participant = async (name: string, kind: string): Promise<Participant> => {
    const service = await startService(database.uri, keyring, ['--import', 'tsx', PROGRAM, kind]);
    services.push(service);
    const next = writesOf(tokens);
    const run = (connections: number, amount: number) => load(service.origin, connections, amount, next);
    return { name, accounts: database.accounts, pid: service.pid, seconds, warmUp: 1_000, run };
  };
  try {
    const [kind, other] = KINDS[trail];
    const pair = PAIRS[trail];
    const participants = [await participant(pair.with, kind), await participant(pair.without, other)];
    await warmUp(participants);
    const measurements: Measurement[] = [];
    for (const writers of WRITERS) measurements.push(...(await measure(participants, writers, rounds, async () => {})));
    return measurements;
  } finally {
    await Promise.all(services.map((service) => service.stop()));
  }
}

/** Each changes another account than the last, so that no two of them are in each other's way. */
function writesOf({ people }: Tokens) {
  let count = 0;
  return () => {
    count += 1;
    return {
      method: 'PATCH' as const,
      path: '/v1/users/me',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${people[count % people.length]}`,
      },
      body: JSON.stringify({ firstName: `Ada ${count % 7}` }),
    };
  };
}

export const trailTargets = (measured: readonly Measurement[]): Target[] =>
  Object.values(PAIRS).flatMap((pair) =>
    WRITERS.flatMap((writers) => {
      const find = (name: string) => measured.find((one) => one.name === name && one.connections === writers);
      const [left, other] = [find(pair.with), find(pair.without)];
      if (!left || !other) return [];
      const what = `a ${pair.with} against a ${pair.without}, ${writers} at a time`;
      return [{ what, limit: pair.limit, value: ratio(left, other) }];
    }),
  );
