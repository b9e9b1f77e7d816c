import path from 'node:path';
import { MongoClient, type MongoClientOptions } from 'mongodb';
import { type Cluster, startCluster } from '../../src/cluster.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import { createGateway, type Gateway } from '../../src/gateway/server.ts';
import { PgConnection } from '../../src/postgres/connection.ts';
import { ensureEngine } from '../../src/provision.ts';
import { ensureDataDirectory } from '../../src/template.ts';
import { leavePlace, makePlace, type Place } from './launcher.ts';

/** What a test writes may have to outlive the engine's processes, but not the machine. */
const EPHEMERAL = { fsync: 'off', full_page_writes: 'off' };

/** A gateway and its engine in the process of the test. */
export class TestServer {
  readonly port: number;
  /** What the server wrote to its log. */
  readonly log: string[];
  readonly #place: Place;
  readonly #cluster: Cluster;
  readonly #gateways: Gateway[];
  readonly #clients: MongoClient[] = [];
  #engine: PgConnection | undefined;

  constructor(place: Place, cluster: Cluster, gateway: Gateway, log: string[]) {
    this.port = gateway.port;
    this.log = log;
    this.#place = place;
    this.#cluster = cluster;
    this.#gateways = [gateway];
  }

  get uri(): string {
    return `mongodb://127.0.0.1:${this.port}/?replicaSet=rs0`;
  }

  /** A connected client, closed with the server. */
  async client(options: MongoClientOptions = {}): Promise<MongoClient> {
    const client = await new MongoClient(this.uri, { serverSelectionTimeoutMS: 5000, ...options }).connect();
    this.#clients.push(client);
    return client;
  }

  /** Another gateway to the same engine, not initiated; closed with the server. */
  async another(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
    const gateway = createGateway({ socketPath: this.#cluster.socketPath, port: 0, ...options });
    this.#gateways.push(gateway);
    await gateway.listen(['127.0.0.1']);
    return gateway;
  }

  /** Whether a statement waits for a lock at this moment. */
  async hasLockWait(): Promise<boolean> {
    return (await this.engine('SELECT FROM pg_locks WHERE NOT granted')).length > 0;
  }

  /** Runs SQL on the engine, past the gateway; returns the rows' first columns. */
  async engine(sql: string): Promise<(string | undefined)[]> {
    if (this.#engine?.closed !== false) {
      this.#engine = await new PgConnection({ socketPath: this.#cluster.socketPath }).connect();
    }
    return (await this.#engine.simple(sql)).map(([value]) => value?.toString());
  }

  async close(): Promise<void> {
    this.#engine?.close();
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(this.#gateways.map((gateway) => gateway.close()));
    await this.#cluster.stop();
    await leavePlace(this.#place);
  }
}

/** Starts a replica set of one on a free port; `params` are mongod's server parameters. */
export async function startServer(params: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const place = makePlace();
  const { tree, template } = await ensureEngine(() => {});
  const data = path.join(place.dbpath, 'pgdata');
  await ensureDataDirectory(template, data, false);
  const logFile = path.join(place.dbpath, 'postgres.log');
  const cluster = await startCluster({ tree, data, settings: EPHEMERAL, logFile });
  const log: string[] = [];
  const gateway = createGateway({
    socketPath: cluster.socketPath,
    port: 0,
    replSet: 'rs0',
    params,
    say: (message, attributes) => log.push(`${message} ${JSON.stringify(attributes ?? {})}`),
  });
  await gateway.listen(['127.0.0.1']);
  gateway.initiate({ _id: 'rs0', members: [{ _id: 0, host: `127.0.0.1:${gateway.port}` }] });
  return new TestServer(place, cluster, gateway, log);
}
