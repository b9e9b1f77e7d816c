import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { EngineError } from './engine-error.ts';

/** What flock(1) exits with when somebody else holds the lock. */
const HELD_ELSEWHERE = 75;

/** A lock on a file, held until it is released or this process ends in whatever way. */
export interface FileLock {
  readonly descriptor: number;
  release(): void;
}

/**
 * Takes the kernel's lock on `file`, which is created when missing; undefined when another process holds it and `wait`
 * is false. No lock is ever stale: the kernel drops it when its holder dies, be it by SIGKILL or by a power cut, and
 * no process number has to be compared, so it holds between containers too.
 *
 * Node has no flock(2), but flock(1) locks a descriptor that it inherits, and a lock belongs to the open file, which
 * this process shares: it stays when flock(1) exits.
 *
 * Throws `EngineError` when the file cannot be opened or its file system knows no locks.
 */
export async function lockFile(
  file: string,
  options: { wait: boolean; signal?: AbortSignal },
): Promise<FileLock | undefined> {
  const descriptor = openForLock(file);
  const release = () => closeSync(descriptor);
  try {
    if (await flock(descriptor, file, options)) return { descriptor, release };
  } catch (error) {
    release();
    throw error;
  }
  release();
  return undefined;
}

function openForLock(file: string): number {
  try {
    return openSync(file, 'a+', 0o644);
  } catch (error) {
    throw new EngineError(`cannot open the lock file: ${error instanceof Error ? error.message : error}`);
  }
}

function flock(descriptor: number, file: string, options: { wait: boolean; signal?: AbortSignal }): Promise<boolean> {
  const mode = options.wait ? [] : ['--nonblock'];
  return new Promise((resolve, reject) => {
    // Descriptor 3 of the child is ours.
    const child = spawn('flock', ['--exclusive', '--conflict-exit-code', String(HELD_ELSEWHERE), ...mode, '3'], {
      stdio: ['ignore', 'ignore', 'pipe', descriptor],
    });
    const kill = () => child.kill('SIGKILL');
    options.signal?.addEventListener('abort', kill, { once: true });
    let complaint = '';
    child.stderr?.on('data', (data: Buffer) => {
      complaint += data;
    });
    child.on('error', () => reject(new EngineError("'flock' (Debian package util-linux) is not on this machine")));
    child.on('close', (code) => {
      options.signal?.removeEventListener('abort', kill);
      if (options.signal?.aborted) reject(options.signal.reason);
      else if (code === 0 || code === HELD_ELSEWHERE) resolve(code === 0);
      else reject(new EngineError(`cannot lock ${file}: ${complaint.trim()}`));
    });
  });
}
