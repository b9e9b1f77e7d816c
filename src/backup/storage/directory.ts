import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Storage } from './storage.ts';
import { locationOf } from './url.ts';

/** Backups in a directory of this machine. Only its owner can read them. */
export class DirectoryStorage implements Storage {
  readonly location: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = resolve(root);
    this.location = locationOf({ kind: 'directory', path: root });
  }

  async directories(): Promise<string[]> {
    const entries = await readdir(this.#root, { withFileTypes: true }).catch(noneOfMissing);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  async files(directory: string): Promise<string[]> {
    const options = { recursive: true, withFileTypes: true } as const;
    const entries = await readdir(join(this.#root, directory), options).catch(noneOfMissing);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#root, join(entry.parentPath, entry.name)));
  }

  /** Under another name until everything is on the disk. */
  async write(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const target = join(this.#root, path);
    const made = await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDown(dirname(made), dirname(target));
    const draft = `${target}.${randomBytes(6).toString('hex')}.part`;
    const file = await open(draft, 'wx', 0o600);
    try {
      for await (const piece of content) await file.writeFile(piece);
      await file.sync();
      await file.close();
      await rename(draft, target);
      await sync(dirname(target));
    } catch (error) {
      await file.close().catch(() => {});
      await rm(draft, { force: true });
      throw error;
    }
  }

  async read(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = await open(join(this.#root, path), 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return file && createReadStream('', { fd: file, highWaterMark: 262_144 });
  }

  async remove(path: string): Promise<void> {
    const target = join(this.#root, path);
    await rm(target, { force: true });
    await sync(dirname(target)).catch(noneOfMissing);
  }

  async removeDirectory(directory: string): Promise<void> {
    await rm(join(this.#root, directory), { recursive: true, force: true });
  }

  close(): void {}
}

/** A directory that is new is on the disk when the one that holds it is. */
async function syncDown(from: string, to: string): Promise<void> {
  for (let path = dirname(to); path.startsWith(from); path = dirname(path)) {
    await sync(path);
    if (path === from) break;
  }
}

/** A rename is on the disk when its directory is. */
async function sync(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function noneOfMissing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
