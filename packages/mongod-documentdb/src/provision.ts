import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { findMirror, type Source } from './debian.ts';
import { EngineError } from './engine-error.ts';
import { makeEngineTree } from './engine-tree.ts';
import { lockFile } from './file-lock.ts';
import { PROGRAM } from './identity.ts';
import { type Say, whileSaying } from './progress.ts';
import { missingTools } from './run-command.ts';
import { makeTemplate } from './template.ts';

/** What a launcher needs on disk, made once per machine and shared by all launchers. */
export interface Engine {
  /** PostgreSQL and the extension. */
  readonly tree: string;
  /** The data directory that a new dbpath starts from. */
  readonly template: string;
}

/** Raised when the shape of the tree or of the template changes: older caches are then left alone. */
const LAYOUT = 1;
/** For so long a failure to provision stands for all who try; longer than a start waits, shorter than a repair takes. */
const FAILURE_STANDS_MS = 30_000;

const RUN_TOOLS = ['setpriv', 'flock', 'cp', 'sh'];
const PROVISION_TOOLS = ['apt-get', 'dpkg-deb'];

/** Where the engine is kept: MONGOD_DOCUMENTDB_CACHE, or a directory of the user's cache. */
function cacheDirectory(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.resolve(process.env['MONGOD_DOCUMENTDB_CACHE'] ?? path.join(cache, PROGRAM));
}

const suite = (): string => process.env['MONGOD_DOCUMENTDB_SUITE'] ?? 'forky';

const engineDirectory = (): string => path.join(cacheDirectory(), `engine-${suite()}-${process.arch}-v${LAYOUT}`);

const engineIn = (directory: string): Engine => ({
  tree: path.join(directory, 'tree'),
  template: path.join(directory, 'template'),
});

/** Whether `ensureEngine` would return at once. */
export function engineReady(): boolean {
  // The directory is renamed into place when all of it is there.
  return existsSync(engineDirectory());
}

/**
 * Makes sure that the engine is in the cache; of several processes one makes it and the others wait, and all say so.
 * A failure stands for half a minute, so that who asks meanwhile learns the reason at once: mongodb-memory-server asks
 * for the version first, and then gives the start ten seconds.
 * Throws `EngineError`.
 */
export async function ensureEngine(say: Say, signal?: AbortSignal): Promise<Engine> {
  requireTools(RUN_TOOLS);
  if (!engineReady()) await underLock(say, signal, () => provision(say, signal));
  return engineIn(engineDirectory());
}

async function underLock(say: Say, signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
  const file = path.join(await makeCacheDirectory(), 'lock');
  const options = signal ? { signal } : {};
  let lock = await lockFile(file, { wait: false, ...options });
  if (lock === undefined) {
    const waiting = 'waiting for another process to prepare the database engine';
    say(waiting);
    const describe = (seconds: number) => `${waiting} (${seconds} s)`;
    lock = await whileSaying(say, describe, () => lockFile(file, { wait: true, ...options }));
  }
  try {
    await work();
  } finally {
    lock?.release();
  }
}

async function makeCacheDirectory(): Promise<string> {
  const directory = cacheDirectory();
  try {
    await mkdir(directory, { recursive: true });
    return directory;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new EngineError(`cannot make the cache directory; set MONGOD_DOCUMENTDB_CACHE to another (${reason})`);
  }
}

async function provision(say: Say, signal?: AbortSignal): Promise<void> {
  if (engineReady()) return;
  const failure = path.join(cacheDirectory(), 'last-failure.txt');
  throwRecent(failure);
  const directory = engineDirectory();
  const work = `${directory}.tmp`;
  try {
    await rm(work, { recursive: true, force: true });
    await makeEngine(engineIn(work), say, signal);
    await rename(work, directory);
    await rm(failure, { force: true });
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (error instanceof EngineError) writeFileSync(failure, error.message);
    throw error;
  }
}

function throwRecent(failure: string): void {
  const age = Date.now() - (statSync(failure, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age < FAILURE_STANDS_MS) throw new EngineError(readFileSync(failure, 'utf8'));
}

async function makeEngine(engine: Engine, say: Say, signal?: AbortSignal): Promise<void> {
  if (process.platform !== 'linux') {
    throw new EngineError(
      `the database engine is made of Debian packages and runs on Linux only (this is ${process.platform}); ` +
        'set MONGOMS_SYSTEM_BINARY to a real mongod instead',
    );
  }
  requireTools(PROVISION_TOOLS);
  const source: Source = { mirror: process.env['MONGOD_DOCUMENTDB_MIRROR'] ?? findMirror(), suite: suite() };
  await makeEngineTree(engine.tree, source, say, signal);
  say('creating the template of a data directory');
  const describe = (seconds: number) => `still creating the template (${seconds} s)`;
  await whileSaying(say, describe, () => makeTemplate(engine.tree, engine.template, signal));
  say('the database engine is ready');
}

function requireTools(names: readonly string[]): void {
  const [missing] = missingTools(names);
  if (missing === undefined) return;
  throw new EngineError(
    `'${missing}' is not on this machine, and is needed to fetch and run the database engine (PostgreSQL + DocumentDB ` +
      `from Debian ${suite()}); install it, or copy ${engineDirectory()} from a machine that has it, ` +
      'or set MONGOMS_SYSTEM_BINARY to a real mongod',
  );
}
