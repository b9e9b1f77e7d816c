import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lockFile } from '../src/file-lock.ts';
import { eventually } from './helpers/eventually.ts';
import { buildLauncher, Launched, launch, launchOn, MONGOD, placeOfEachTest } from './helpers/launcher.ts';

beforeAll(buildLauncher, 120_000);

const place = placeOfEachTest();
let cache: string;
beforeEach(() => {
  cache = path.join(place.directory, 'cache');
});

/** A mirror that has nothing, or that never answers. */
class Mirror {
  requests = 0;
  readonly #server: Server;

  private constructor(answers: boolean) {
    this.#server = createServer((_, response) => {
      this.requests++;
      if (answers) response.writeHead(404).end();
    });
  }

  static async open(answers: boolean): Promise<Mirror> {
    const mirror = new Mirror(answers);
    mirror.#server.listen(0, '127.0.0.1');
    await once(mirror.#server, 'listening');
    return mirror;
  }

  get environment(): NodeJS.ProcessEnv {
    const address = this.#server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    // Nothing of the test machine's proxy may stand between apt and this mirror.
    const direct = { http_proxy: '', no_proxy: '127.0.0.1' };
    return { ...direct, MONGOD_DOCUMENTDB_CACHE: cache, MONGOD_DOCUMENTDB_MIRROR: `http://127.0.0.1:${port}/debian` };
  }

  connections(): Promise<number> {
    return new Promise((resolve) => this.#server.getConnections((_, count) => resolve(count)));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function withMirror(answers: boolean, work: (mirror: Mirror) => Promise<void>): Promise<void> {
  const mirror = await Mirror.open(answers);
  try {
    await work(mirror);
  } finally {
    await mirror.close();
  }
}

/** A PATH on which there are only these tools. */
function pathWith(...tools: string[]): string {
  const bin = path.join(place.directory, 'bin');
  mkdirSync(bin);
  for (const tool of ['sh', 'dirname', 'readlink', ...tools]) {
    const directories = ['/usr/bin', '/bin'].map((directory) => path.join(directory, tool));
    symlinkSync(directories.find(existsSync) ?? tool, path.join(bin, tool));
  }
  symlinkSync(process.execPath, path.join(bin, 'node'));
  return bin;
}

const leftovers = (): string[] => readdirSync(cache).filter((name) => name.startsWith('engine'));

describe('what is missing is named', () => {
  test('apt-get', async () => {
    const launched = launch(['provision'], {
      MONGOD_DOCUMENTDB_CACHE: cache,
      PATH: pathWith('setpriv', 'flock', 'cp', 'dpkg-deb'),
    });
    expect(await launched.exit).toBe(1);
    expect(launched.stderr).toContain("'apt-get' is not on this machine");
    expect(launched.stderr).toContain(`copy ${cache}/engine-`);
  });

  test('setpriv', async () => {
    const env = { MONGOD_DOCUMENTDB_CACHE: cache, PATH: pathWith('flock', 'cp', 'apt-get', 'dpkg-deb') };
    const launched = launchOn(place.dbpath, [], env);
    expect(await launched.exit).toBe(1);
    expect(launched.stderr).toContain("'setpriv' is not on this machine");
  });

  test('a cache directory that can be made', async () => {
    writeFileSync(cache, 'a file');
    const launched = launch(['provision'], { MONGOD_DOCUMENTDB_CACHE: cache });
    expect(await launched.exit).toBe(1);
    expect(launched.stderr).toContain('set MONGOD_DOCUMENTDB_CACHE to another');
  });

  test('the packages on the mirror', async () => {
    await withMirror(true, async (mirror) => {
      const launched = launch(['provision'], mirror.environment);
      expect(await launched.exit).toBe(1);
      const lines = launched.stderr.trim().split('\n');
      expect(lines[0]).toMatch(/fetching PostgreSQL 18 \+ DocumentDB from http:\/\/127\.0\.0\.1:\d+\/debian forky/);
      // One line at the end says it all: callers may pass on no more.
      expect(lines.at(-1)).toMatch(
        /could not fetch .*MONGOD_DOCUMENTDB_MIRROR.*apt-get failed \(100\): .*Release file/,
      );
      expect(leftovers()).toEqual([]);
    });
  });

  test('the mirror itself', async () => {
    const mirror = await Mirror.open(true);
    const env = mirror.environment;
    await mirror.close();
    const launched = launch(['provision'], env);
    expect(await launched.exit).toBe(1);
    expect(launched.stderr).toMatch(/could not fetch .*(refused|connect)/i);
  });

  test('the build, where there is none', async () => {
    const bin = path.join(place.directory, 'package/bin');
    mkdirSync(bin, { recursive: true });
    copyFileSync(MONGOD, path.join(bin, 'mongod'));
    const launched = new Launched(spawn(path.join(bin, 'mongod'), { stdio: ['ignore', 'pipe', 'pipe'] }));
    expect(await launched.exit).toBe(1);
    expect(launched.stderr).toContain('npx tsc -p packages/mongod-documentdb');
  });
});

describe('several at once', () => {
  test('a failure stands for whoever asks next, without asking the mirror again', async () => {
    await withMirror(true, async (mirror) => {
      // As mongodb-memory-server does: it asks for the version, and then starts.
      const env = { ...mirror.environment, MONGOMS_SYSTEM_BINARY: MONGOD };
      const version = launch(['--version'], env);
      expect(await version.exit).toBe(0);
      expect(version.stdout).toMatch(/^db version v7\.0\.28$/m);
      expect(version.stderr).toContain('could not fetch');
      const asked = mirror.requests;
      expect(asked).toBeGreaterThan(0);
      const start = launchOn(place.dbpath, [], env);
      expect(await start.exit).toBe(1);
      expect(start.stdout).toMatch(/exception in initAndListen: EngineError: could not fetch/);
      expect(mirror.requests).toBe(asked);
    });
  });

  test('the second says that it waits, and takes over when the first is killed', async () => {
    await withMirror(false, async (mirror) => {
      const first = launch(['provision'], mirror.environment);
      await eventually('download', () => mirror.requests === 1);
      const second = launch(['provision'], mirror.environment);
      await second.says(/waiting for another process to prepare the database engine/);
      expect(mirror.requests).toBe(1);
      await first.stop('SIGKILL');
      await second.says(/fetching PostgreSQL/);
      await eventually('its own download', () => mirror.requests === 2);
      await second.stop('SIGKILL');
    });
  });

  test('one that waits can be stopped', async () => {
    mkdirSync(cache);
    const lock = await lockFile(path.join(cache, 'lock'), { wait: false });
    const launched = launchOn(place.dbpath, [], { MONGOD_DOCUMENTDB_CACHE: cache });
    await launched.says(/waiting for another process/);
    expect(await launched.stop()).toBe(0);
    lock?.release();
  });
});

describe('a download ends with the launcher', () => {
  test('that is asked to stop, and leaves nothing half done', async () => {
    await withMirror(false, async (mirror) => {
      const launched = launchOn(place.dbpath, [], mirror.environment);
      await eventually('download', () => mirror.requests > 0);
      expect(await launched.stop()).toBe(0);
      await eventually('disconnected', async () => (await mirror.connections()) === 0);
      expect(leftovers()).toEqual([]);
      expect(readdirSync(cache)).not.toContain('last-failure.txt');
    });
  });

  test('that is killed', async () => {
    await withMirror(false, async (mirror) => {
      const launched = launch(['provision'], mirror.environment);
      await eventually('download', () => mirror.requests > 0);
      await launched.stop('SIGKILL');
      await eventually('disconnected', async () => (await mirror.connections()) === 0);
    });
  });
});
