import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { thisMachine } from '../../src/embedded/machine.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'roster-machine-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

function program(script: string): string {
  const path = join(directory, 'mongod');
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

const machine = (env: NodeJS.ProcessEnv, said: string[] = []) => thisMachine((line) => said.push(line), undefined, env);

describe('MONGOMS_SYSTEM_BINARY', () => {
  test('is asked for its version', async () => {
    const path = program('echo "db version v8.0.4"; echo "Build Info: {}"');
    expect(await machine({ MONGOMS_SYSTEM_BINARY: path }).fromVariable()).toEqual({
      path,
      engine: 'mongodb',
      version: '8.0.4',
    });
  });

  test('may be the stand-in, whose progress is passed on', async () => {
    const path = program(
      'echo "fetching packages" >&2; echo "db version v7.0.28"; echo "Build Info: { gitVersion: mongod-documentdb }"',
    );
    const said: string[] = [];
    expect(await machine({ MONGOMS_SYSTEM_BINARY: path }, said).fromVariable()).toMatchObject({ engine: 'documentdb' });
    expect(said).toEqual(['fetching packages']);
  });

  test.each([
    ['does not exist', '/nowhere/mongod', /ENOENT/],
    ['fails', undefined, /libcurl is missing/],
  ])('that %s is an error, not a reason to take another', async (_, path, message) => {
    const env = { MONGOMS_SYSTEM_BINARY: path ?? program('echo "libcurl is missing" >&2; exit 127') };
    await expect(machine(env).fromVariable()).rejects.toThrow(message);
  });

  test('that is no mongod is recognised', async () => {
    const env = { MONGOMS_SYSTEM_BINARY: program('echo "hello"') };
    await expect(machine(env).fromVariable()).rejects.toThrow(/does not answer --version as a mongod does/);
  });
});

describe('the PATH', () => {
  test('is searched in its order', async () => {
    const path = program('echo "db version v8.0.4"');
    expect(await machine({ PATH: `/nowhere:${directory}:/usr/bin:/bin` }).onPath()).toMatchObject({ path });
    expect(await machine({ PATH: '/nowhere' }).onPath()).toEqual({ absent: 'there is no mongod on the PATH' });
  });

  test('may hold a mongod that does not run, which is passed over with its reason', async () => {
    const path = program('echo "libcrypto.so.1.1: cannot open shared object file" >&2; exit 127');
    expect(await machine({ PATH: directory }).onPath()).toEqual({
      absent: `${path} does not run (libcrypto.so.1.1: cannot open shared object file)`,
    });
  });
});

test("mongodb-memory-server's cache is looked up for the release that wrote the data", async () => {
  vi.stubEnv('MONGOMS_DOWNLOAD_DIR', directory);
  const found = await thisMachine(() => {}, { engine: 'mongodb', version: '8.0.4' }, {}).inCache();
  expect(found).toEqual({ absent: 'MongoDB 8.0.4 has not been downloaded before' });
});
