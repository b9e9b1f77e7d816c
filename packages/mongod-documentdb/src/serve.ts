import { hostname } from 'node:os';
import { type Cluster, startCluster } from './cluster.ts';
import { DbPath } from './dbpath.ts';
import { watchParent } from './exit-with-parent.ts';
import type { ReplicaSetConfig } from './gateway/options.ts';
import { createGateway, type Gateway } from './gateway/server.ts';
import type { ServeOptions } from './options.ts';
import { sayToPerson, whileSaying } from './progress.ts';
import { ensureEngine } from './provision.ts';
import type { ServerLog } from './server-log.ts';
import { EXIT, StartError } from './start-error.ts';
import { ensureDataDirectory, upgradeExtensions } from './template.ts';

const EPHEMERAL = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** Why the server is to stop. */
interface Stop {
  reason: string;
  exitCode: number;
}

/** Serves until asked to stop; returns the exit code. Throws what keeps the server from starting. */
export async function serve(options: ServeOptions, argv: readonly string[], log: ServerLog): Promise<number> {
  const stopping = new AbortController();
  const stopped = new Promise<Stop>((resolve) => {
    stopping.signal.addEventListener('abort', () => resolve(stopping.signal.reason), { once: true });
  });
  const stop = (reason: string, exitCode: number): void => {
    if (stopping.signal.aborted) return;
    log.write(`received ${reason}, shutting down`);
    stopping.abort({ reason, exitCode } satisfies Stop);
  };
  watchForStop(options, stop);
  const server = new Server(options, argv, log, stopping.signal, stop);
  try {
    await server.start();
    return (await stopped).exitCode;
  } catch (error) {
    // What fails because of the stop is no failure.
    if (stopping.signal.aborted) return (await stopped).exitCode;
    throw error;
  } finally {
    await server.close();
  }
}

function watchForStop(options: ServeOptions, stop: (reason: string, exitCode: number) => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) {
    process.on(signal, () => stop(`signal ${signal}`, EXIT.stopped));
  }
  if (options.exitWithParent !== false) {
    watchParent(options.exitWithParent, () => stop('the end of the parent process', EXIT.stopped));
  }
}

/** The parts of a running launcher, in the order of their start. */
class Server {
  readonly #options: ServeOptions;
  readonly #argv: readonly string[];
  readonly #log: ServerLog;
  readonly #signal: AbortSignal;
  readonly #stop: (reason: string, exitCode: number) => void;
  #dbpath: DbPath | undefined;
  #cluster: Cluster | undefined;
  #gateway: Gateway | undefined;

  constructor(
    options: ServeOptions,
    argv: readonly string[],
    log: ServerLog,
    signal: AbortSignal,
    stop: (reason: string, exitCode: number) => void,
  ) {
    this.#options = options;
    this.#argv = argv;
    this.#log = log;
    this.#signal = signal;
    this.#stop = stop;
  }

  async start(): Promise<void> {
    const { port, dbpath, hosts } = this.#options;
    this.#log.write('MongoDB starting', { pid: process.pid, port, dbPath: dbpath, host: hostname() });
    this.#dbpath = await DbPath.open(dbpath);
    const config = this.#lastConfig(this.#dbpath);
    this.#cluster = await this.#startCluster(this.#dbpath);
    this.#gateway = this.#createGateway(this.#dbpath, this.#cluster, config);
    await this.#listen(this.#gateway, hosts);
    const startMillis = Math.round(performance.now());
    this.#log.write('Waiting for connections', { port: this.#gateway.port, ssl: 'off', startMillis }, 'NETWORK');
    this.#becomePrimary(this.#gateway);
  }

  /** Undoes, in reverse order, as much of the start as was done. */
  async close(): Promise<void> {
    await this.#gateway?.close();
    await this.#cluster?.stop();
    this.#dbpath?.close();
  }

  /**
   * The port may be another than in the last run, and a member is known by its port. One that the system has yet to
   * choose makes the set start anew.
   */
  #lastConfig(dbpath: DbPath): ReplicaSetConfig | null {
    const { replSet, port } = this.#options;
    const config = replSet === undefined ? null : dbpath.readReplicaSet(replSet);
    if (port === 0) return null;
    if (config?.members.length !== 1) return config;
    return { ...config, members: config.members.map((member) => ({ ...member, host: withPort(member.host, port) })) };
  }

  async #startCluster(dbpath: DbPath): Promise<Cluster> {
    const signal = this.#signal;
    const { tree, template } = await ensureEngine(sayToPerson, signal);
    const { data, postgresLog: logFile } = dbpath;
    const waiting = (seconds: number) => `still waiting for PostgreSQL to start on ${data} (${seconds} s)`;
    const cluster = await whileSaying(sayToPerson, waiting, async () => {
      const { ephemeral } = this.#options;
      if (!(await ensureDataDirectory(template, data, !ephemeral))) await upgradeExtensions(tree, data, signal);
      const settings = ephemeral ? EPHEMERAL : {};
      return startCluster({ tree, data, settings, logFile, signal });
    });
    void cluster.ended.then((how) => {
      if (signal.aborted) return;
      sayToPerson(`PostgreSQL ended unexpectedly (${how}); see ${logFile}`);
      this.#stop('the end of the database engine', EXIT.engineEnded);
    });
    return cluster;
  }

  #createGateway(dbpath: DbPath, cluster: Cluster, config: ReplicaSetConfig | null): Gateway {
    const { port, replSet, params, debug } = this.#options;
    return createGateway({
      socketPath: cluster.socketPath,
      port,
      replSet,
      params,
      argv: this.#argv,
      config,
      debug,
      saveConfig: (next) => dbpath.saveReplicaSet(next),
      say: (message, attributes) => this.#log.write(message, attributes, 'REPL'),
      onShutdown: () => this.#stop('shutdown command', EXIT.stopped),
    });
  }

  async #listen(gateway: Gateway, hosts: readonly string[]): Promise<void> {
    try {
      await gateway.listen(hosts);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      const message = `SocketException: Address already in use (port ${this.#options.port})`;
      throw new StartError('SocketException', message, EXIT.cannotListen);
    }
  }

  /** A member that was initiated before, or is to initiate itself, says what its callers wait for. */
  #becomePrimary(gateway: Gateway): void {
    const { replSet, autoInitiate } = this.#options;
    if (gateway.hasConfig()) {
      this.#log.write('Replica set state transition to PRIMARY from SECONDARY', undefined, 'REPL');
      this.#log.write('transition to primary complete; database writes are now permitted', undefined, 'REPL');
    } else if (replSet !== undefined && autoInitiate) {
      gateway.initiate({ _id: replSet, members: [{ _id: 0, host: `127.0.0.1:${gateway.port}` }] });
    }
  }
}

const withPort = (host: string, port: number): string => host.replace(/:\d+$/, `:${port}`);
