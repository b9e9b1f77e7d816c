import { once } from 'node:events';
import { MongoMemoryServer } from 'mongodb-memory-server';
import type { Binary } from './choose.ts';
import { DatabaseUnavailableError, reason } from './errors.ts';
import { ensurePrimary, REPLICA_SET } from './replica-set.ts';

/** A server recovers from a crash before it listens, and that grows with the data. */
const LAUNCH_TIMEOUT_MS = 120_000;

export interface MongodOptions {
  binary: Binary;
  /** Where the data stay; without it they live as long as the server. */
  dataPath?: string;
  /** Tried first. When it is taken, a free one is used. */
  port?: number;
}

export interface Mongod {
  uri: string;
  port: number;
  pid: number;
  /** Resolves when the server process has ended, for whatever reason. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Runs a server by mongodb-memory-server, as a replica set of one: transactions need a set. It ends with this
 * process, however that ends: by the launcher's own watch, or by mongodb-memory-server's for a real mongod.
 * @throws {DatabaseUnavailableError} when it does not come up
 */
export async function startMongod({ binary, dataPath, port }: MongodOptions): Promise<Mongod> {
  const server = new MongoMemoryServer({
    binary: { systemBinary: binary.path, version: binary.version },
    instance: {
      replSet: REPLICA_SET,
      storageEngine: 'wiredTiger',
      // Fail points, by which tests make the database fail.
      ...(dataPath === undefined ? { args: ['--setParameter', 'enableTestCommands=1'] } : { dbPath: dataPath }),
      launchTimeout: LAUNCH_TIMEOUT_MS,
      ...(port === undefined ? {} : { port }),
    },
    spawn: { env: environment(dataPath === undefined) },
  });
  try {
    await server.start();
    return await running(server);
  } catch (error) {
    await server.stop({ doCleanup: dataPath === undefined });
    if (error instanceof DatabaseUnavailableError) throw error;
    throw new DatabaseUnavailableError(`${binary.path} does not start: ${reason(error)}`);
  }
}

async function running(server: MongoMemoryServer): Promise<Mongod> {
  const { port, instance } = await server.ensureInstance();
  const { mongodProcess } = instance;
  if (mongodProcess?.pid === undefined) throw new Error('it ended as soon as it had started');
  const ended = once(mongodProcess, 'exit').then(() => undefined);
  await ensurePrimary(port);
  return {
    uri: `mongodb://127.0.0.1:${port}/roster?replicaSet=${REPLICA_SET}`,
    port,
    pid: mongodProcess.pid,
    ended,
    stop: async () => {
      await server.stop();
    },
  };
}

function environment(ephemeral: boolean): NodeJS.ProcessEnv {
  return {
    ...process.env,
    MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: '1',
    // What lives as long as the server need not survive a power cut: no fsync.
    ...(ephemeral ? { MONGOD_DOCUMENTDB_EPHEMERAL: '1' } : {}),
  };
}
