import { type Measurement, ratio } from './measure.ts';
import { HASHING, READS } from './operations.ts';
import type { Target } from './report.ts';

/** Names of the ceilings; those of the same commands are made of the operation's. */
export const BARE = 'bare Fastify';
export const FIND_ONE = 'bare Fastify + findOne';
export const RAW_HASHING = 'raw argon2';
export const sameCommands = (operation: string): string => `bare Fastify, commands of: ${operation}`;
export const hashAndSameCommands = (operation: string): string => `bare Fastify, hash and commands of: ${operation}`;

/** What the service is held to, with what was measured. */
export function targets(measured: readonly Measurement[]): Target[] {
  const sizes = [...new Set(measured.flatMap(({ accounts }) => accounts ?? []))].toSorted((a, b) => a - b);
  const [small, large] = [sizes.at(0), sizes.at(-1)];

  return [...new Set(measured.map(({ connections }) => connections))].flatMap((connections) => {
    const find = (name: string, accounts: number | undefined): Measurement | undefined =>
      measured.find((one) => one.name === name && one.accounts === accounts && one.connections === connections);
    const target = (
      what: string,
      atLeast: number,
      accounts: number,
      one?: Measurement,
      other?: Measurement,
    ): Target[] =>
      one && other
        ? [
            {
              what: `${what}, ${accounts} accounts, ${connections} in flight`,
              limit: atLeast,
              value: ratio(one, other),
            },
          ]
        : [];

    const bySize = sizes.flatMap((accounts) => [
      ...HASHING.flatMap((name) =>
        target(`${name} against ${RAW_HASHING}`, 0.75, accounts, find(name, accounts), find(RAW_HASHING, undefined)),
      ),
      // What the engine leaves of it: a service that did nothing else would come no nearer to hashing alone.
      ...HASHING.flatMap((name) =>
        target(
          `hash and commands of ${name} against ${RAW_HASHING}`,
          0.75,
          accounts,
          find(hashAndSameCommands(name), accounts),
          find(RAW_HASHING, undefined),
        ),
      ),
      ...(['read oneself', 'read by id'] as const).flatMap((name) =>
        target(
          `${name} against the same commands`,
          0.8,
          accounts,
          find(name, accounts),
          find(sameCommands(name), accounts),
        ),
      ),
      ...target(
        'deep page against first page',
        0.9,
        accounts,
        find('deep page', accounts),
        find('first page', accounts),
      ),
    ]);
    if (small === undefined || large === undefined || small === large) return bySize;
    const growth = READS.flatMap((name) =>
      target(`${name} against ${small} accounts`, 0.9, large, find(name, large), find(name, small)),
    );
    return [...bySize, ...growth];
  });
}
