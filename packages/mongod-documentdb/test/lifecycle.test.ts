import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensureEngine } from '../src/provision.ts';
import { eventually } from './helpers/eventually.ts';
import {
  buildLauncher,
  freePort,
  Launched,
  launchOn,
  leavePlace,
  MONGOD,
  makePlace,
  noProcessNames,
  type Place,
  processesNaming,
} from './helpers/launcher.ts';
import { insertNumber, readNumbers } from './helpers/numbers.ts';

let place: Place;
let dbpath: string;

beforeAll(async () => {
  await buildLauncher();
  await ensureEngine(() => {});
}, 120_000);

beforeEach(() => {
  place = makePlace();
  dbpath = place.dbpath;
});

/** Whatever a test was about, it leaves no process behind. */
afterEach(() => leavePlace(place));

const socketDirectoriesOf = (pid: number | undefined): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`mdb-${pid}-`));

describe('starting', () => {
  test('takes less than 2 s on a new dbpath', async () => {
    const times: number[] = [];
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(path.join(dbpath, name));
      const started = performance.now();
      const launched = launchOn(path.join(dbpath, name));
      await launched.port();
      times.push(performance.now() - started);
      expect(await launched.stop()).toBe(0);
    }
    // Other tests run on the same cores: the best of three is what the launcher takes.
    expect(Math.min(...times)).toBeLessThan(2000);
  });

  test('several run at once, each with data of its own', async () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => {
      mkdirSync(path.join(dbpath, name));
      return launchOn(path.join(dbpath, name));
    });
    const ports = await Promise.all(all.map((launched) => launched.port()));
    await Promise.all(ports.map((port, index) => insertNumber(port, index)));
    expect(await Promise.all(ports.map(readNumbers))).toEqual([[0], [1], [2], [3]]);
    expect(await Promise.all(all.map((launched) => launched.stop()))).toEqual([0, 0, 0, 0]);
  });

  test('stands alone without --replSet', async () => {
    const launched = launchOn(dbpath, []);
    const client = await new MongoClient(`mongodb://127.0.0.1:${await launched.port()}/`).connect();
    expect(await client.db().command({ hello: 1 })).toMatchObject({ isWritablePrimary: true });
    expect(await client.db().command({ hello: 1 })).not.toHaveProperty('setName');
    await client.close();
    expect(await launched.stop()).toBe(0);
  });

  test('writes its log to a file when asked', async () => {
    const file = path.join(place.directory, 'mongod.log');
    const launched = launchOn(dbpath, ['--logpath', file]);
    await eventually('log', () => existsSync(file) && readFileSync(file, 'utf8').includes('Waiting for connections'));
    expect(await launched.stop()).toBe(0);
    expect(launched.stdout).toBe('');
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).msg).at(-1)).toBe('Now exiting');
  });
});

describe('keeping data', () => {
  test('over a restart on another port, with the replica set', async () => {
    const first = launchOn(dbpath);
    await insertNumber(await first.port(), 1);
    expect(await first.stop()).toBe(0);
    const second = launchOn(dbpath, ['--port', String(await freePort()), '--replSet', 'rs0']);
    expect(await readNumbers(await second.port())).toEqual([1]);
    expect(await second.stop()).toBe(0);
  });

  test('over a SIGKILL of the launcher', async () => {
    const first = launchOn(dbpath);
    await insertNumber(await first.port(), 1);
    expect(await first.stop('SIGKILL')).toBe('SIGKILL');
    await noProcessNames(place.directory);
    const second = launchOn(dbpath);
    expect(await readNumbers(await second.port())).toEqual([1]);
    expect(await second.stop()).toBe(0);
  });

  test('over a launcher that was killed while it copied the template', async () => {
    mkdirSync(path.join(dbpath, 'pgdata.tmp'));
    writeFileSync(path.join(dbpath, 'pgdata.tmp/PG_VERSION'), '18\n');
    const launched = launchOn(dbpath);
    await insertNumber(await launched.port(), 1);
    expect(await launched.stop()).toBe(0);
    expect(readdirSync(dbpath)).not.toContain('pgdata.tmp');
  });

  test('by an engine of other packages than the one that made them', async () => {
    const first = launchOn(dbpath);
    await insertNumber(await first.port(), 1);
    await first.stop();
    writeFileSync(path.join(dbpath, 'pgdata/packages.txt'), 'postgresql-18_18.0-1_amd64.deb\n');
    const second = launchOn(dbpath);
    expect(await readNumbers(await second.port())).toEqual([1]);
    expect(await second.stop()).toBe(0);
    expect(readFileSync(path.join(dbpath, 'pgdata/packages.txt'), 'utf8')).toContain('documentdb');
  });
});

describe('stopping', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)('%s ends everything in order', async (signal) => {
    const launched = launchOn(dbpath);
    await launched.port();
    expect(readFileSync(path.join(dbpath, 'mongod.lock'), 'utf8')).toBe(`${launched.child.pid}\n`);
    expect(socketDirectoriesOf(launched.child.pid)).toHaveLength(1);
    expect(await launched.stop(signal)).toBe(0);
    // No waiting here: when the launcher has ended, PostgreSQL has.
    expect(processesNaming(place.directory)).toEqual([]);
    expect(socketDirectoriesOf(launched.child.pid)).toEqual([]);
    expect(readFileSync(path.join(dbpath, 'mongod.lock'), 'utf8')).toBe('');
    expect(readFileSync(path.join(dbpath, 'postgres.log'), 'utf8')).toContain('database system is shut down');
  });

  test.each(['mongod.lock', 'pgdata.tmp', 'pgdata', 'postgres.log', 'pgdata/postmaster.pid'])(
    'a signal at the moment when %s appears leaves nothing behind',
    async (file) => {
      const launched = launchOn(dbpath);
      // The copy of the template is there for some hundredths of a second only; then it has its final name.
      const moments = [file, file.replace('.tmp', '')].map((name) => path.join(dbpath, name));
      await eventually(file, () => moments.some(existsSync));
      expect(await launched.stop()).toBe(0);
      expect(processesNaming(place.directory)).toEqual([]);
      expect(socketDirectoriesOf(launched.child.pid)).toEqual([]);
    },
  );

  test('the shutdown command ends it', async () => {
    const launched = launchOn(dbpath);
    const client = await new MongoClient(
      `mongodb://127.0.0.1:${await launched.port()}/?directConnection=true`,
    ).connect();
    await client
      .db('admin')
      .command({ shutdown: 1, force: true, timeoutSecs: 1 })
      .catch(() => {});
    await client.close();
    expect(await launched.exit).toBe(0);
  });

  test('a reader of its output that is gone does not keep it from stopping', async () => {
    const launched = launchOn(dbpath);
    await launched.port();
    launched.child.stdout?.destroy();
    launched.child.stderr?.destroy();
    expect(await launched.stop()).toBe(0);
  });

  test('SIGKILL of the launcher ends PostgreSQL, and the next launcher tidies up', async () => {
    const killed = launchOn(dbpath);
    await killed.port();
    await killed.stop('SIGKILL');
    await noProcessNames(place.directory);
    expect(socketDirectoriesOf(killed.child.pid)).toHaveLength(1);
    const next = launchOn(dbpath);
    await next.port();
    expect(await next.stop()).toBe(0);
    expect(socketDirectoriesOf(killed.child.pid)).toEqual([]);
  });

  test('it ends with code 14 when PostgreSQL does', async () => {
    const launched = launchOn(dbpath);
    await launched.port();
    const [postmaster] = readFileSync(path.join(dbpath, 'pgdata/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(postmaster), 'SIGKILL');
    expect(await launched.exit).toBe(14);
    expect(launched.stderr).toContain('PostgreSQL ended unexpectedly');
  });
});

describe('the end of the parent', () => {
  /** A process that starts a launcher as Node programs do, and passes on what it says. */
  const parentOf = (env: NodeJS.ProcessEnv, args: readonly string[] = []): Launched => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.argv[1], process.argv.slice(2), { stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.pipe(process.stdout);`;
    const line = ['-e', script, MONGOD, '--port', '0', '--dbpath', dbpath, ...args];
    const stdio = ['ignore' as const, 'pipe' as const, 'pipe' as const];
    return new Launched(spawn(process.execPath, line, { env: { ...process.env, ...env }, stdio }));
  };

  const launcherPid = (): number => Number(readFileSync(path.join(dbpath, 'mongod.lock'), 'utf8'));

  test.each([
    ['the environment', { MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: '1' }, []],
    ['a parameter', {}, ['--setParameter', 'exitWithParent=true']],
  ])('by SIGKILL ends the launcher and PostgreSQL, when asked for by %s', async (_, env, args) => {
    const parent = parentOf(env, args);
    await parent.port();
    expect(processesNaming(dbpath)).toContain(launcherPid());
    parent.child.kill('SIGKILL');
    await noProcessNames(dbpath);
    expect(readFileSync(path.join(dbpath, 'postgres.log'), 'utf8')).toContain('database system is shut down');
  });

  test('does not matter otherwise', async () => {
    const parent = parentOf({});
    const port = await parent.port();
    parent.child.kill('SIGKILL');
    await once(parent.child, 'exit');
    const client = await new MongoClient(`mongodb://127.0.0.1:${port}/`).connect();
    expect(await client.db().command({ ping: 1 })).toMatchObject({ ok: 1 });
    await client.close();
    process.kill(launcherPid(), 'SIGTERM');
  });

  test('before the launcher could look is noticed by its process number', async () => {
    const launched = launchOn(dbpath, [], { MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: '999999999' });
    expect(await launched.exit).toBe(0);
    expect(launched.stdout).toContain('the end of the parent process');
  });
});
