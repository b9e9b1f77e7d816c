import type { TtlMonitor } from '../ttl.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Cursors } from './cursors.ts';
import type { EnginePools } from './engine-pools.ts';
import type { FailPoints } from './fail-points.ts';
import type { GatewayOptions } from './options.ts';
import type { Parameters } from './parameters.ts';
import type { ReplicaSet } from './replica-set.ts';
import type { Sessions } from './sessions.ts';
import type { Transactions } from './transactions.ts';

/** What the commands of one server share. */
export interface Core {
  readonly options: GatewayOptions;
  readonly startedAt: number;
  readonly parameters: Parameters;
  readonly engine: EnginePools;
  readonly sessions: Sessions;
  readonly transactions: Transactions;
  readonly cursors: Cursors;
  readonly replicaSet: ReplicaSet;
  readonly failPoints: FailPoints;
  readonly ttl: TtlMonitor;
  readonly clients: ReadonlySet<ClientConnection>;
  /** Names of all commands. */
  readonly commandNames: () => Iterable<string>;
  /** The port that is listened on. */
  readonly port: () => number;
  /** Clients that ever connected. */
  readonly connectionsCreated: () => number;
}
