import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { lockFile } from '../../src/file-lock.ts';
import { ensureEngine } from '../../src/provision.ts';
import { eventually } from './eventually.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** The executable under test. */
export const MONGOD: string = path.join(PACKAGE, 'bin/mongod');

/** Compiles the launcher, when it is older than its sources; test files that run at once do so one after the other. */
export async function buildLauncher(): Promise<void> {
  mkdirSync(path.join(PACKAGE, 'dist'), { recursive: true });
  const lock = await lockFile(path.join(PACKAGE, 'dist/.building'), { wait: true });
  try {
    const built = statSync(path.join(PACKAGE, 'dist/.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const sources = readdirSync(path.join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' });
    const newest = Math.max(...sources.map((file) => statSync(path.join(PACKAGE, 'src', file)).mtimeMs));
    if (newest < built) return;
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', PACKAGE]);
  } finally {
    lock?.release();
  }
}

/** A directory of one test. */
export interface Place {
  directory: string;
  /** An empty directory in it, for a launcher's data. */
  dbpath: string;
}

export function makePlace(): Place {
  const directory = mkdtempSync(path.join(tmpdir(), 'mongod-documentdb-'));
  const dbpath = path.join(directory, 'db');
  mkdirSync(dbpath);
  return { directory, dbpath };
}

/** Removes it; throws when a process still names it, which is ended then. */
export async function leavePlace({ directory }: Place): Promise<void> {
  try {
    await noProcessNames(directory);
  } finally {
    for (const pid of processesNaming(directory)) process.kill(pid, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** For the tests of a file: a place for each of them, which leaves no process behind, whatever it is about. */
export function placeOfEachTest(): Readonly<Place> {
  let place: Place;
  beforeEach(() => {
    place = makePlace();
  });
  afterEach(() => leavePlace(place));
  return {
    get directory() {
      return place.directory;
    },
    get dbpath() {
      return place.dbpath;
    },
  };
}

/** For the tests of a file that launch: the launcher is compiled and the engine there, which may have to be loaded. */
export function launches(): void {
  beforeAll(async () => {
    await buildLauncher();
    await ensureEngine(() => {});
  }, 120_000);
}

/** A launcher that was started by a test. */
export class Launched {
  readonly child: ChildProcess;
  /** Resolves with the exit code, or the name of the signal. */
  readonly exit: Promise<number | string>;
  stdout = '';
  stderr = '';
  #ended: number | string | undefined;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (data: Buffer) => {
      this.stdout += data;
    });
    child.stderr?.on('data', (data: Buffer) => {
      this.stderr += data;
    });
    this.exit = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        this.#ended = code ?? signal ?? 'unknown';
        resolve(this.#ended);
      });
    });
  }

  /** Waits until stdout or stderr matches. Throws with both when the launcher ends first. */
  async says(pattern: RegExp, withinMs = 20_000): Promise<RegExpExecArray> {
    return eventually(
      `output ${pattern}`,
      () => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (match) return match;
        if (this.#ended === undefined) return undefined;
        throw new Error(`ended (${this.#ended}) without ${pattern}:\n${this.stdout}\n${this.stderr}`);
      },
      withinMs,
    );
  }

  /** Waits until it serves; returns its port. */
  async port(): Promise<number> {
    const [, port] = await this.says(/"Waiting for connections".*?"port":(\d+)/);
    return Number(port);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.child.kill(signal);
    return this.exit;
  }
}

export function launch(args: readonly string[], env: NodeJS.ProcessEnv = {}): Launched {
  return new Launched(spawn(MONGOD, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Starts a launcher on `dbpath` and a free port, as a replica set of one unless `args` say otherwise. */
export function launchOn(dbpath: string, args: readonly string[] = REPLICA_SET, env: NodeJS.ProcessEnv = {}): Launched {
  return launch(['--port', '0', '--dbpath', dbpath, ...args], env);
}

const REPLICA_SET = ['--replSet', 'rs0', '--setParameter', 'autoInitiate=true'];

/** Process numbers of all that name `text` on their command line: launchers, and PostgreSQL by its data directory. */
export function processesNaming(text: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => pid !== process.pid && commandLine(pid).includes(text));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Waits until no process names `text`. PostgreSQL's own limit for its children is 5 s. */
export async function noProcessNames(text: string): Promise<void> {
  await eventually(`no process names ${text}`, () => processesNaming(text).length === 0, 10_000);
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
