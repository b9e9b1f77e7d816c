import { fileURLToPath } from 'node:url';
import { cursorFor } from '../src/routes/representations.ts';
import type { BenchDatabase } from './database.ts';
import { type LoadRequest, load } from './load.ts';
import { type Measurement, measure, type Participant, ratio, warmUp } from './measure.ts';
import type { Tokens } from './operations.ts';
import type { Target } from './report.ts';
import { startService } from './service.ts';

const PROGRAM = fileURLToPath(new URL('./generated-server.ts', import.meta.url));
const CONNECTIONS = [1, 16];
const MIN_RATIO = 0.9;

const KINDS = ['read oneself', 'read by id', 'first page', 'deep page'] as const;
const byHand = (kind: string): string => `${kind}, route by hand`;
const generated = (kind: string): string => `${kind}, generated route`;

/** Generated routes of a collection that has the shape of `users`, beside those of `users`, in one process. */
export async function measureGenerated(
  database: BenchDatabase,
  keyring: string,
  tokens: Tokens,
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
): Promise<Measurement[]> {
  const service = await startService(database.uri, keyring, ['--import', 'tsx', PROGRAM]);
  try {
    const requests = requestsOf(database, tokens);
    const participants = Object.entries(requests).map(
      ([name, next]): Participant => ({
        name,
        accounts: database.accounts,
        pid: service.pid,
        seconds,
        warmUp: 3_000,
        run: (connections, amount) => load(service.origin, connections, amount, next),
      }),
    );
    await warmUp(participants);
    const measurements: Measurement[] = [];
    for (const connections of CONNECTIONS)
      measurements.push(...(await measure(participants, connections, rounds, async () => {})));
    return measurements;
  } finally {
    await service.stop();
  }
}

/** The same questions to both, each about another account than the last. */
function requestsOf({ people, deepId }: BenchDatabase, tokens: Tokens): Record<string, () => LoadRequest> {
  let count = 0;
  const next = <T>(items: readonly T[]): T | undefined => items[count++ % items.length];
  const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token}` });
  const admin = (path: string): LoadRequest => ({ path, headers: bearer(tokens.admin) });
  const deep = (list: string) => encodeURIComponent(cursorFor(list).write({ key: '', id: deepId }));
  const own = (): LoadRequest => {
    const n = count++ % tokens.people.length;
    return { path: `/v1/copies/${people[n]?._id}`, headers: bearer(tokens.people[n]) };
  };
  const [self, byId, first, deepPage] = KINDS;
  return {
    [byHand(self)]: () => ({ path: '/v1/users/me', headers: bearer(next(tokens.people)) }),
    [generated(self)]: own,
    [byHand(byId)]: () => admin(`/v1/admin/users/${next(people)?._id}`),
    [generated(byId)]: () => admin(`/v1/admin/copies/${next(people)?._id}`),
    [byHand(first)]: () => admin('/v1/admin/users'),
    [generated(first)]: () => admin('/v1/admin/copies'),
    [byHand(deepPage)]: () => admin(`/v1/admin/users?cursor=${deep('users')}`),
    [generated(deepPage)]: () => admin(`/v1/admin/copies?cursor=${deep('admin:copies')}`),
  };
}

export const generatedTargets = (measured: readonly Measurement[]): Target[] =>
  CONNECTIONS.flatMap((connections) =>
    KINDS.flatMap((kind) => {
      const find = (name: string) => measured.find((one) => one.name === name && one.connections === connections);
      const [one, other] = [find(generated(kind)), find(byHand(kind))];
      if (!one || !other) return [];
      return [
        {
          what: `${kind}: generated route against one by hand, ${connections} at a time`,
          limit: MIN_RATIO,
          value: ratio(one, other),
        },
      ];
    }),
  );
