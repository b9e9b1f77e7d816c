import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import {
  Launched,
  launches,
  launchOn,
  MONGOD,
  noProcessNames,
  placeOfEachTest,
  processesNaming,
} from './helpers/launcher.ts';

launches();
const place = placeOfEachTest();

const socketDirectoriesOf = (pid: number | undefined): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`mdb-${pid}-`));

describe('stopping', () => {
  test('every signal that means it ends everything in order', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      const launched = launchOn(place.dbpath);
      await launched.port();
      expect(readFileSync(path.join(place.dbpath, 'mongod.lock'), 'utf8')).toBe(`${launched.child.pid}\n`);
      expect(socketDirectoriesOf(launched.child.pid)).toHaveLength(1);
      expect(await launched.stop(signal), signal).toBe(0);
      // No waiting here: when the launcher has ended, PostgreSQL has.
      expect(processesNaming(place.directory), signal).toEqual([]);
      expect(socketDirectoriesOf(launched.child.pid)).toEqual([]);
      expect(readFileSync(path.join(place.dbpath, 'mongod.lock'), 'utf8')).toBe('');
      const log = path.join(place.dbpath, 'postgres.log');
      expect(readFileSync(log, 'utf8'), signal).toContain('database system is shut down');
      rmSync(log);
    }
  });

  test.each(['pgdata.tmp', 'postgres.log', 'pgdata/postmaster.pid'])(
    'a signal at the moment when %s appears leaves nothing behind',
    async (file) => {
      const launched = launchOn(place.dbpath);
      // The copy of the template is there for some hundredths of a second only; then it has its final name.
      const moments = [file, file.replace('.tmp', '')].map((name) => path.join(place.dbpath, name));
      await eventually(file, () => moments.some(existsSync));
      expect(await launched.stop()).toBe(0);
      expect(processesNaming(place.directory)).toEqual([]);
      expect(socketDirectoriesOf(launched.child.pid)).toEqual([]);
    },
  );

  test('the shutdown command ends it', async () => {
    const launched = launchOn(place.dbpath);
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
    const launched = launchOn(place.dbpath);
    await launched.port();
    launched.child.stdout?.destroy();
    launched.child.stderr?.destroy();
    expect(await launched.stop()).toBe(0);
  });

  test('SIGKILL of the launcher ends PostgreSQL, and the next launcher tidies up', async () => {
    const killed = launchOn(place.dbpath);
    await killed.port();
    await killed.stop('SIGKILL');
    await noProcessNames(place.directory);
    // Launchers of other tests tidy up as well, if they start just then.
    expect(socketDirectoriesOf(killed.child.pid).length).toBeLessThanOrEqual(1);
    const next = launchOn(place.dbpath);
    await next.port();
    expect(await next.stop()).toBe(0);
    expect(socketDirectoriesOf(killed.child.pid)).toEqual([]);
  });

  test('it ends with code 14 when PostgreSQL does', async () => {
    const launched = launchOn(place.dbpath);
    await launched.port();
    const [postmaster] = readFileSync(path.join(place.dbpath, 'pgdata/postmaster.pid'), 'utf8').split('\n');
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
    const line = ['-e', script, MONGOD, '--port', '0', '--dbpath', place.dbpath, ...args];
    const stdio = ['ignore' as const, 'pipe' as const, 'pipe' as const];
    return new Launched(spawn(process.execPath, line, { env: { ...process.env, ...env }, stdio }));
  };

  const launcherPid = (): number => Number(readFileSync(path.join(place.dbpath, 'mongod.lock'), 'utf8'));

  test.each([
    ['the environment', { MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: '1' }, []],
    ['a parameter', {}, ['--setParameter', 'exitWithParent=true']],
  ])('by SIGKILL ends the launcher and PostgreSQL, when asked for by %s', async (_, env, args) => {
    const parent = parentOf(env, args);
    await parent.port();
    expect(processesNaming(place.dbpath)).toContain(launcherPid());
    parent.child.kill('SIGKILL');
    await noProcessNames(place.dbpath);
    expect(readFileSync(path.join(place.dbpath, 'postgres.log'), 'utf8')).toContain('database system is shut down');
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
    const launched = launchOn(place.dbpath, [], { MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: '999999999' });
    expect(await launched.exit).toBe(0);
    expect(launched.stdout).toContain('the end of the parent process');
  });
});
