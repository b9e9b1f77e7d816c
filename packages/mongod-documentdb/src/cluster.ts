import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from './engine-error.ts';
import { engineEnvironment, engineProgram } from './engine-tree.ts';
import { PgConnection, PgError } from './postgres/connection.ts';
import { giveTo, unprivileged } from './privileges.ts';
import { makeSocketDirectory, type SocketDirectory } from './socket-directory.ts';

export interface ClusterOptions {
  /** The engine tree. */
  tree: string;
  /** PostgreSQL's data directory. */
  data: string;
  /** Settings on top of those in the data directory. */
  settings?: Readonly<Record<string, string>>;
  /** Where PostgreSQL's own log is appended. */
  logFile?: string;
  /** Gives up the start. */
  signal?: AbortSignal;
}

/** A running PostgreSQL, reachable through its UNIX socket alone. */
export interface Cluster {
  readonly socketPath: string;
  /** Resolves with the exit code or signal when PostgreSQL ends, whether asked to or not. */
  readonly ended: Promise<string>;
  /** Disconnects everybody, writes everything out, ends. */
  stop(): Promise<void>;
}

/**
 * Given at every start, so that an older data directory follows them too. Few connections, little memory, no TCP. The
 * gateway takes the place of background workers: it deletes expired documents by its own timer and builds indexes at
 * once. Messages below LOG stay out of the log: a failed statement is the client's to know, and its text holds the
 * client's data.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_preload_libraries: 'pg_documentdb_core,pg_documentdb',
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '120',
  shared_buffers: '64MB',
  dynamic_shared_memory_type: 'mmap',
  huge_pages: 'off',
  jit: 'off',
  io_method: 'sync',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  min_wal_size: '8MB',
  max_wal_size: '256MB',
  timezone: 'GMT',
  log_timezone: 'GMT',
  log_checkpoints: 'off',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  max_parallel_workers_per_gather: '0',
  'documentdb_core.enableCollation': 'on',
  'documentdb.enableCollationWithNonUniqueOrderedIndexes': 'on',
  'documentdb.enableBackgroundWorker': 'off',
};

/** How long a shutdown may take before it is cut short; the next start then recovers from the log. */
const SHUTDOWN_MS = 8_000;
const POLL_MS = 8;
/** What a server answers, or leaves unanswered, that is about to be ready: `connection_failure`, `cannot_connect_now`. */
const NOT_YET = ['08006', '57P03'];
const TAIL = 4_000;

/** Starts PostgreSQL and waits until it answers. Throws `EngineError` with the end of its log when it does not. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const program = engineProgram(options.tree, 'postgres');
  const user = await unprivileged(program);
  const sockets = await makeSocketDirectory();
  await giveTo(user, options.data);
  await giveTo(user, sockets.path);
  const settings = {
    ...SETTINGS,
    unix_socket_directories: sockets.path,
    'documentdb.localhost_connection_string': `host=${sockets.path}`,
    ...options.settings,
  };
  const assignments = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command = '', ...args] = [...user.prefix, program, '-D', options.data, ...assignments];
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: engineEnvironment(options.tree),
    cwd: '/',
    // A session of its own: Ctrl+C in the terminal reaches the launcher alone, which then stops in order.
    detached: true,
  });
  return new RunningCluster(child, sockets, options).ready();
}

class RunningCluster implements Cluster {
  readonly socketPath: string;
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #sockets: SocketDirectory;
  readonly #options: ClusterOptions;
  #end: string | undefined;
  /** The last of what PostgreSQL said. */
  #said = '';

  constructor(child: ChildProcess, sockets: SocketDirectory, options: ClusterOptions) {
    this.#child = child;
    this.#sockets = sockets;
    this.#options = options;
    this.socketPath = path.join(sockets.path, '.s.PGSQL.5432');
    const log = options.logFile === undefined ? undefined : openLog(options.logFile);
    child.stderr?.on('data', (data: Buffer) => {
      this.#said = (this.#said + data).slice(-TAIL);
      log?.write(data);
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#end ??= how;
        log?.end();
        resolve(how);
      };
      child.on('error', (error) => end(error.message));
      child.on('close', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  async ready(): Promise<this> {
    while (!(await this.#answers())) {
      if (this.#end !== undefined) {
        await this.#sockets.remove();
        throw new EngineError(
          `PostgreSQL did not start on ${this.#options.data} (${this.#end}):\n${this.#said.trim()}`,
        );
      }
      if (this.#options.signal?.aborted) {
        await this.stop();
        throw this.#options.signal.reason;
      }
      await sleep(POLL_MS);
    }
    return this;
  }

  async #answers(): Promise<boolean> {
    const connection = new PgConnection({ socketPath: this.socketPath });
    try {
      await connection.connect();
      connection.close();
      return true;
    } catch (error) {
      if (error instanceof PgError && NOT_YET.includes(error.state)) return false;
      await this.stop();
      throw new EngineError(`PostgreSQL refuses connections: ${error instanceof Error ? error.message : error}`);
    }
  }

  async stop(): Promise<void> {
    if (this.#end === undefined) {
      this.#child.kill('SIGINT');
      const impatience = setTimeout(() => this.#child.kill('SIGQUIT'), SHUTDOWN_MS);
      await this.ended;
      clearTimeout(impatience);
    }
    await this.#sockets.remove();
  }
}

function openLog(file: string): WriteStream {
  const log = createWriteStream(file, { flags: 'a' });
  // A full disk must not end the server for the sake of its log.
  log.on('error', () => {});
  return log;
}
