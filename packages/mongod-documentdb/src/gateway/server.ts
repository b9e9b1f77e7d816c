import net from 'node:net';
import { COMMANDS } from '../commands/table.ts';
import { TtlMonitor } from '../ttl.ts';
import { ClientConnection } from './client-connection.ts';
import { ClusterClock } from './cluster-clock.ts';
import type { Core } from './core.ts';
import { Cursors } from './cursors.ts';
import { Dispatcher } from './dispatcher.ts';
import { EnginePools } from './engine-pools.ts';
import { FailPoints } from './fail-points.ts';
import type { GatewayOptions, ReplicaSetConfig } from './options.ts';
import { Parameters } from './parameters.ts';
import { ReplicaSet } from './replica-set.ts';
import { Sessions } from './sessions.ts';
import { Transactions } from './transactions.ts';
import { encodeReply } from './wire.ts';

/** How often idle cursors are closed and the files of abandoned ones deleted. */
const CURSOR_SWEEP_MS = 60_000;
const LISTEN_BACKLOG = 1024;

/** A running MongoDB wire protocol server in front of the engine. */
export interface Gateway {
  /** The port that is listened on: `options.port`, or the one that the system chose for 0. */
  readonly port: number;
  /** Starts to accept clients on every one of `hosts`. Throws the system's error, such as EADDRINUSE. */
  listen(hosts: readonly string[]): Promise<void>;
  /** Ends every connection, to clients and to the engine. */
  close(): Promise<void>;
  /** Makes this server the primary of a replica set, as the command replSetInitiate does. */
  initiate(config: Omit<ReplicaSetConfig, 'version'> & { readonly version?: number }): void;
  /** Whether the replica set has been initiated. */
  hasConfig(): boolean;
}

/** Puts a gateway together; it serves nobody until `listen`. Throws BadValue for an impossible parameter. */
export function createGateway(options: GatewayOptions): Gateway {
  return new Server(options);
}

class Server implements Gateway {
  readonly #options: GatewayOptions;
  readonly #core: Core;
  readonly #dispatcher: Dispatcher;
  readonly #clock = new ClusterClock();
  readonly #clients = new Set<ClientConnection>();
  readonly #listeners: net.Server[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #connections = 0;
  #replies = 0;
  #port: number;
  #closing = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#core = this.#assemble();
    this.#dispatcher = new Dispatcher(this.#core, COMMANDS);
  }

  get port(): number {
    return this.#port;
  }

  async listen(hosts: readonly string[]): Promise<void> {
    for (const host of hosts) await this.#listenOn(host);
    const { parameters, ttl } = this.#core;
    ttl.start(parameters.milliseconds('ttlMonitorSleepSecs'));
    this.#sweep = setInterval(() => void this.#sweepCursors(), CURSOR_SWEEP_MS);
    this.#sweep.unref();
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#core.ttl.stop();
    clearInterval(this.#sweep);
    const closed = this.#listeners.map((listener) => new Promise((resolve) => listener.close(resolve)));
    for (const client of this.#clients) client.destroy();
    await Promise.all(closed);
    this.#core.engine.close();
  }

  initiate(config: Omit<ReplicaSetConfig, 'version'> & { readonly version?: number }): void {
    this.#core.replicaSet.initiate({ version: 1, ...config });
  }

  hasConfig(): boolean {
    return this.#core.replicaSet.config !== null;
  }

  #assemble(): Core {
    const options = this.#options;
    const port = (): number => this.#port;
    const parameters = new Parameters(options.params ?? {});
    const engine = new EnginePools(options.socketPath);
    return {
      options,
      startedAt: Date.now(),
      parameters,
      engine,
      sessions: new Sessions(),
      transactions: new Transactions(engine, () => parameters.milliseconds('transactionLifetimeLimitSeconds')),
      cursors: new Cursors(),
      replicaSet: new ReplicaSet(options, port),
      failPoints: new FailPoints(),
      ttl: new TtlMonitor(
        () => this.#deleteExpired(),
        (error) => this.#reportBackground('TTL pass failed', error),
      ),
      clients: this.#clients,
      commandNames: () => COMMANDS.keys(),
      port,
      connectionsCreated: () => this.#connections,
    };
  }

  async #listenOn(host: string): Promise<void> {
    const listener = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#listeners.push(listener);
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ port: this.#port, host, backlog: LISTEN_BACKLOG }, () => resolve());
    });
    const address = listener.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  #accept(socket: net.Socket): void {
    const client = new ClientConnection(
      ++this.#connections,
      socket,
      async (request, from) => {
        const reply = await this.#dispatcher.run(request, from);
        if (!request.wantsReply) return null;
        this.#replies = (this.#replies + 1) & 0x7fffffff;
        return encodeReply(request, this.#replies, reply, this.hasConfig() ? this.#clock : null);
      },
      (error, from) => {
        this.#options.say?.('closing a client connection', { error: String(error), remote: from.remote });
      },
    );
    this.#clients.add(client);
    socket.on('close', () => {
      this.#clients.delete(client);
      void this.#core.transactions.dropClient(client);
    });
  }

  async #deleteExpired(): Promise<void> {
    const { engine, parameters, replicaSet } = this.#core;
    if (!parameters.isTrue('ttlMonitorEnabled') || !replicaSet.isWritable) return;
    await engine.requests.with((connection) => connection.simple('CALL documentdb_api_internal.delete_expired_rows()'));
  }

  async #sweepCursors(): Promise<void> {
    const { cursors, engine, replicaSet } = this.#core;
    cursors.dropIdle(Date.now());
    if (replicaSet.mirrorOf !== null) return;
    try {
      await engine.query('SELECT documentdb_api_internal.cursor_directory_cleanup()');
    } catch (error) {
      this.#reportBackground('deleting abandoned cursors failed', error);
    }
  }

  #reportBackground(message: string, error: unknown): void {
    if (!this.#closing) this.#options.say?.(message, { error: String(error) });
  }
}
