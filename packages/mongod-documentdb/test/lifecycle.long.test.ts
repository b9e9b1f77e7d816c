import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { freePort, launches, launchOn, noProcessNames, placeOfEachTest } from './helpers/launcher.ts';
import { insertNumber, readNumbers } from './helpers/numbers.ts';

launches();
const place = placeOfEachTest();

describe('starting', () => {
  test('takes less than 2 s on a new dbpath', async () => {
    // Whatever else runs on the same cores can slow one start down, not each of six.
    let fastest = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 6 && fastest >= 2000; attempt++) {
      const fresh = path.join(place.dbpath, String(attempt));
      mkdirSync(fresh);
      const started = performance.now();
      const launched = launchOn(fresh);
      await launched.port();
      fastest = Math.min(fastest, performance.now() - started);
      expect(await launched.stop()).toBe(0);
    }
    expect(fastest).toBeLessThan(2000);
  }, 60_000);

  test('several run at once, each with data of its own', async () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => {
      mkdirSync(path.join(place.dbpath, name));
      return launchOn(path.join(place.dbpath, name));
    });
    const ports = await Promise.all(all.map((launched) => launched.port()));
    await Promise.all(ports.map((port, index) => insertNumber(port, index)));
    expect(await Promise.all(ports.map(readNumbers))).toEqual([[0], [1], [2], [3]]);
    expect(await Promise.all(all.map((launched) => launched.stop()))).toEqual([0, 0, 0, 0]);
  });

  test('stands alone without --replSet', async () => {
    const launched = launchOn(place.dbpath, []);
    const client = await new MongoClient(`mongodb://127.0.0.1:${await launched.port()}/`).connect();
    expect(await client.db().command({ hello: 1 })).toMatchObject({ isWritablePrimary: true });
    expect(await client.db().command({ hello: 1 })).not.toHaveProperty('setName');
    await client.close();
    expect(await launched.stop()).toBe(0);
  });

  test('writes its log to a file when asked', async () => {
    const file = path.join(place.directory, 'mongod.log');
    const launched = launchOn(place.dbpath, ['--logpath', file]);
    await eventually('log', () => existsSync(file) && readFileSync(file, 'utf8').includes('Waiting for connections'));
    expect(await launched.stop()).toBe(0);
    expect(launched.stdout).toBe('');
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).msg).at(-1)).toBe('Now exiting');
  });
});

describe('keeping data', () => {
  test('over a restart on another port, with the replica set', async () => {
    const first = launchOn(place.dbpath);
    await insertNumber(await first.port(), 1);
    expect(await first.stop()).toBe(0);
    const second = launchOn(place.dbpath, ['--port', String(await freePort()), '--replSet', 'rs0']);
    expect(await readNumbers(await second.port())).toEqual([1]);
    expect(await second.stop()).toBe(0);
  });

  test('over a SIGKILL of the launcher', async () => {
    const first = launchOn(place.dbpath);
    await insertNumber(await first.port(), 1);
    expect(await first.stop('SIGKILL')).toBe('SIGKILL');
    await noProcessNames(place.directory);
    const second = launchOn(place.dbpath);
    expect(await readNumbers(await second.port())).toEqual([1]);
    expect(await second.stop()).toBe(0);
  });

  test('over a launcher that was killed while it copied the template', async () => {
    mkdirSync(path.join(place.dbpath, 'pgdata.tmp'));
    writeFileSync(path.join(place.dbpath, 'pgdata.tmp/PG_VERSION'), '18\n');
    const launched = launchOn(place.dbpath);
    await insertNumber(await launched.port(), 1);
    expect(await launched.stop()).toBe(0);
    expect(readdirSync(place.dbpath)).not.toContain('pgdata.tmp');
  });

  test('by an engine of other packages than the one that made them', async () => {
    const first = launchOn(place.dbpath);
    await insertNumber(await first.port(), 1);
    await first.stop();
    writeFileSync(path.join(place.dbpath, 'pgdata/packages.txt'), 'postgresql-18_18.0-1_amd64.deb\n');
    const second = launchOn(place.dbpath);
    expect(await readNumbers(await second.port())).toEqual([1]);
    expect(await second.stop()).toBe(0);
    expect(readFileSync(path.join(place.dbpath, 'pgdata/packages.txt'), 'utf8')).toContain('documentdb');
  });
});
