import type { Doc } from '../bson.ts';

export interface ReplicaSetMember {
  readonly _id: number;
  /** `host:port` */
  readonly host: string;
  readonly arbiterOnly?: boolean;
  readonly hidden?: boolean;
  readonly priority?: number;
  readonly votes?: number;
}

export interface ReplicaSetConfig {
  readonly _id: string;
  readonly version: number;
  readonly members: readonly ReplicaSetMember[];
}

export interface GatewayOptions {
  /** UNIX socket of the PostgreSQL server that holds the data. */
  readonly socketPath: string;
  /** Port to listen on, 0 for any. */
  readonly port: number;
  /** Name of the replica set; without it the server is a standalone and refuses transactions, as mongod does. */
  readonly replSet?: string | undefined;
  /** mongod's server parameters, as given by --setParameter. */
  readonly params?: Readonly<Record<string, string>>;
  /** The command line, as getCmdLineOpts reports it. */
  readonly argv?: readonly string[];
  /** The replica set configuration that `saveConfig` received in an earlier run. */
  readonly config?: ReplicaSetConfig | null;
  /** Keeps the replica set configuration for the next run; `null` forgets it. */
  readonly saveConfig?: (config: ReplicaSetConfig | null) => void;
  /** Writes a line to the server log. */
  readonly say?: (message: string, attributes?: Doc) => void;
  /** Called when a client sent the shutdown command, after its reply. */
  readonly onShutdown?: () => void;
  /** Reports every command and every error to the server log. */
  readonly debug?: boolean;
}
