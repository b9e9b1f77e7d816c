import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { lockFile } from './file-lock.ts';

const PREFIX = 'mdb-';
const LOCK = 'owner.lock';
/** The kernel's limit of a socket's path is 107 bytes; a directory made here and the socket in it take about 40. */
const LONGEST_BASE = 64;
/** A directory without a lock file may be one that is just being made. */
const TOO_YOUNG_MS = 60_000;

export interface SocketDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

const base = (): string => (tmpdir().length <= LONGEST_BASE ? tmpdir() : '/tmp');

/**
 * A private directory for one server's UNIX socket, with a short path; not in the data directory, whose path may be
 * long and whose file system may know no sockets.
 */
export async function makeSocketDirectory(): Promise<SocketDirectory> {
  await sweep();
  const directory = await mkdtemp(path.join(base(), `${PREFIX}${process.pid}-`));
  const lock = await lockFile(path.join(directory, LOCK), { wait: false });
  return {
    path: directory,
    async remove() {
      await rm(directory, { recursive: true, force: true });
      lock?.release();
    },
  };
}

/** Removes what launchers left behind that were killed: directories whose process is gone and whose lock is free. */
async function sweep(): Promise<void> {
  for (const name of await readdir(base())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      await removeIfAbandoned(path.join(base(), name));
    } catch {
      // another user's, or another launcher is removing it
    }
  }
}

async function removeIfAbandoned(directory: string): Promise<void> {
  const { mtimeMs } = await stat(directory);
  if (!existsSync(path.join(directory, LOCK)) && Date.now() - mtimeMs < TOO_YOUNG_MS) return;
  const lock = await lockFile(path.join(directory, LOCK), { wait: false });
  if (lock === undefined) return;
  await rm(directory, { recursive: true, force: true });
  lock.release();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
