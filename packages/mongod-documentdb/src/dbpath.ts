import {
  existsSync,
  ftruncateSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { type FileLock, lockFile } from './file-lock.ts';
import type { ReplicaSetConfig } from './gateway/options.ts';
import { EXIT, StartError } from './start-error.ts';

const unusable = (name: string, message: string): StartError =>
  new StartError(name, message, EXIT.unusableDataDirectory);

/** The directory that one launcher at a time keeps its data in. */
export class DbPath {
  /** PostgreSQL's data directory. */
  readonly data: string;
  /** PostgreSQL's own log. */
  readonly postgresLog: string;
  readonly #replicaSetFile: string;
  readonly #lock: FileLock;

  private constructor(directory: string, lock: FileLock) {
    this.data = path.join(directory, 'pgdata');
    this.postgresLog = path.join(directory, 'postgres.log');
    this.#replicaSetFile = path.join(directory, 'replset.json');
    this.#lock = lock;
  }

  /** Takes the directory for this process. Throws `StartError` with mongod's names and exit code. */
  static async open(given: string): Promise<DbPath> {
    const directory = path.resolve(given);
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      const advice = 'Create the missing directory or specify another path using --dbpath';
      throw unusable('NonExistentPath', `Data directory ${directory} not found. ${advice}`);
    }
    if (existsSync(path.join(directory, 'WiredTiger'))) {
      throw unusable('IllegalOperation', `${directory} holds the data of a real mongod, which this engine cannot read`);
    }
    return new DbPath(directory, await takeLock(directory));
  }

  /** The replica set configuration of the last run. Throws `StartError` when it is not that of the set `name`. */
  readReplicaSet(name: string): ReplicaSetConfig | null {
    if (!existsSync(this.#replicaSetFile)) return null;
    const config = parseConfig(this.#replicaSetFile);
    if (config._id !== name) {
      const message = `the data belong to the replica set '${config._id}', and --replSet names '${name}'`;
      throw unusable('InvalidReplicaSetConfig', message);
    }
    return config;
  }

  /** Keeps the replica set configuration for the next run; null forgets it. */
  saveReplicaSet(config: ReplicaSetConfig | null): void {
    if (config === null) {
      rmSync(this.#replicaSetFile, { force: true });
      return;
    }
    const next = `${this.#replicaSetFile}.tmp`;
    writeFileSync(next, `${JSON.stringify(config)}\n`, { flush: true });
    renameSync(next, this.#replicaSetFile);
  }

  /** Empties the lock file, as mongod does after a clean shutdown, and gives the directory free. */
  close(): void {
    ftruncateSync(this.#lock.descriptor);
    this.#lock.release();
  }
}

async function takeLock(directory: string): Promise<FileLock> {
  const file = path.join(directory, 'mongod.lock');
  const lock = await lockFile(file, { wait: false }).catch((error: Error) => {
    throw unusable('IllegalOperation', `Unable to create/open the lock file: ${file} (${error.message})`);
  });
  if (lock === undefined) {
    const holder = readFileSync(file, 'utf8').trim();
    const message = `Another mongod instance is already running on the ${directory} directory`;
    throw unusable('DBPathInUse', `Unable to lock the lock file: ${file} (held by process ${holder}). ${message}`);
  }
  ftruncateSync(lock.descriptor);
  writeSync(lock.descriptor, `${process.pid}\n`);
  return lock;
}

function parseConfig(file: string): ReplicaSetConfig {
  try {
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isConfig(config)) return config;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw unusable('InvalidReplicaSetConfig', `${file} is damaged; delete it to initiate the replica set anew`);
}

function isConfig(value: unknown): value is ReplicaSetConfig {
  if (typeof value !== 'object' || value === null || !('_id' in value) || !('members' in value)) return false;
  return typeof value._id === 'string' && Array.isArray(value.members) && value.members.length > 0;
}
