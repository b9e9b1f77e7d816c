import { fileURLToPath } from 'node:url';
import type { BenchDatabase } from './database.ts';
import { load } from './load.ts';
import { type Measurement, measure, type Participant, ratio, warmUp } from './measure.ts';
import type { Tokens } from './operations.ts';
import type { Target } from './report.ts';
import { type ServiceProcess, startService } from './service.ts';

const PROGRAM = fileURLToPath(new URL('./audited-server.ts', import.meta.url));
const WRITERS = [1, 16];
const MIN_RATIO = 0.8;

const AUDITED = 'write with its audit event';
const OTHER = 'write with another document';

/** Writes through HTTP whose transaction has an audit event, beside the same with a document of equal size elsewhere. */
export async function measureAudited(
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
    const participants = [await participant(AUDITED, 'audited'), await participant(OTHER, 'other')];
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

export const auditedTargets = (measured: readonly Measurement[]): Target[] =>
  WRITERS.flatMap((writers) => {
    const find = (name: string) => measured.find((one) => one.name === name && one.connections === writers);
    const [audited, other] = [find(AUDITED), find(OTHER)];
    if (!audited || !other) return [];
    const what = `a ${AUDITED} against a ${OTHER}, ${writers} at a time`;
    return [{ what, limit: MIN_RATIO, value: ratio(audited, other) }];
  });
