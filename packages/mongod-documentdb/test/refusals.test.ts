import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { type Launched, launch, launches, launchOn, MONGOD, placeOfEachTest } from './helpers/launcher.ts';
import { insertNumber } from './helpers/numbers.ts';

launches();
const place = placeOfEachTest();

describe('refusing to start', () => {
  const refusal = async (launched: Launched): Promise<[number | string, string]> => [
    await launched.exit,
    /exception in initAndListen: (\w+): /.exec(launched.stdout)?.[1] ?? launched.stdout,
  ];

  test('a port in use: 48, in words that mongodb-memory-server knows', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await eventually('listening', () => holder.listening);
    const address = holder.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const launched = launch(['--port', String(port), '--dbpath', place.dbpath]);
    expect(await refusal(launched)).toEqual([48, 'SocketException']);
    expect(launched.stdout).toMatch(/address already in use/i);
    holder.close();
  });

  test('a dbpath in use: 100, and the other launcher goes on', async () => {
    const first = launchOn(place.dbpath);
    const port = await first.port();
    const second = launchOn(place.dbpath);
    expect(await refusal(second)).toEqual([100, 'DBPathInUse']);
    expect(second.stderr).toContain(`held by process ${first.child.pid}`);
    await insertNumber(port, 1);
    expect(await first.stop()).toBe(0);
  });

  test('two that start at the same moment: one of them serves', async () => {
    const both = [launchOn(place.dbpath), launchOn(place.dbpath)];
    const outcomes = await Promise.all(
      both.map((launched) =>
        Promise.race([
          launched.exit,
          launched.port().then(
            () => 'serves',
            () => 'ended',
          ),
        ]),
      ),
    );
    const serving = both[outcomes.indexOf('serves')];
    const refused = both[1 - outcomes.indexOf('serves')];
    expect(await refused?.exit).toBe(100);
    expect(await serving?.stop()).toBe(0);
  });

  test.each([
    ['that does not exist', (_: string) => path.join(place.directory, 'nowhere'), 'NonExistentPath'],
    ['that is a file', (_: string) => path.join(MONGOD), 'NonExistentPath'],
  ])('a dbpath %s: 100', async (_, choose, name) => {
    expect(await refusal(launchOn(choose(place.dbpath)))).toEqual([100, name]);
  });

  test('the data of a real mongod: 100, untouched', async () => {
    writeFileSync(path.join(place.dbpath, 'WiredTiger'), 'WiredTiger\n');
    expect(await refusal(launchOn(place.dbpath))).toEqual([100, 'IllegalOperation']);
    expect(readdirSync(place.dbpath)).toEqual(['WiredTiger']);
  });

  test('the data of another PostgreSQL: an error that names both', async () => {
    mkdirSync(path.join(place.dbpath, 'pgdata'));
    writeFileSync(path.join(place.dbpath, 'pgdata/PG_VERSION'), '15\n');
    const launched = launchOn(place.dbpath);
    expect(await launched.exit).toBe(1);
    expect(launched.stderr).toMatch(/PostgreSQL 15.*PostgreSQL 18/);
    expect(readdirSync(path.join(place.dbpath, 'pgdata'))).toEqual(['PG_VERSION']);
  });

  test.each([
    ['of another name', '{"_id":"other","version":1,"members":[{"_id":0,"host":"127.0.0.1:1"}]}'],
    ['that cannot be read', '{"_id":'],
  ])('a replica set %s: 100', async (_, content) => {
    writeFileSync(path.join(place.dbpath, 'replset.json'), content);
    expect(await refusal(launchOn(place.dbpath))).toEqual([100, 'InvalidReplicaSetConfig']);
  });

  test('a log file that cannot be opened', async () => {
    const launched = launchOn(place.dbpath, ['--logpath', path.join(place.directory, 'no/such/log')]);
    expect(await refusal(launched)).toEqual([1, 'FileNotOpen']);
  });

  test('PostgreSQL that does not start: the end of its log', async () => {
    const first = launchOn(place.dbpath);
    await first.port();
    await first.stop();
    writeFileSync(path.join(place.dbpath, 'pgdata/postgresql.conf'), 'no_such_setting = 1\n');
    const launched = launchOn(place.dbpath);
    expect(await refusal(launched)).toEqual([1, 'EngineError']);
    expect(launched.stderr).toContain('no_such_setting');
  });

  test('--auth: 2', async () => {
    expect(await refusal(launchOn(place.dbpath, ['--auth']))).toEqual([2, 'InvalidOptions']);
  });
});
