import { spawn } from 'node:child_process';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { MongoMemoryReplSet } from 'mongodb-memory-server';
import { describe, expect, test } from 'vitest';
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

describe('mongodb-memory-server', () => {
  const create = (): Promise<MongoMemoryReplSet> =>
    MongoMemoryReplSet.create({
      replSet: { count: 1, name: 'rs0' },
      binary: { systemBinary: MONGOD, version: '7.0.28' },
      instanceOpts: [{ dbPath: place.dbpath }],
    });

  test('takes it for a system binary, transactions included, and its data are kept', async () => {
    for (const expected of [1, 2]) {
      const server = await create();
      const client = await new MongoClient(server.getUri()).connect();
      const collection = client.db('mms').collection('runs');
      await collection.insertOne({ seed: true }).catch(() => {});
      await collection.deleteMany({ seed: true });
      await client.withSession((session) => session.withTransaction(() => collection.insertOne({}, { session })));
      expect(await collection.countDocuments()).toBe(expected);
      await client.close();
      await server.stop({ doCleanup: false });
      await noProcessNames(place.dbpath);
    }
  });

  test('watches over it: the SIGKILL of a test runner leaves no process', async () => {
    const script = `
      import { MongoMemoryReplSet } from 'mongodb-memory-server';
      const [dbPath] = process.argv.slice(1);
      await MongoMemoryReplSet.create({ replSet: { count: 1 }, instanceOpts: [{ dbPath }] });
      console.log('ready');
      setInterval(() => {}, 1000);`;
    const env = { ...process.env, MONGOMS_SYSTEM_BINARY: MONGOD, MONGOMS_VERSION: '7.0.28' };
    const line = ['--input-type=module', '-e', script, place.dbpath];
    const runner = new Launched(spawn(process.execPath, line, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
    await runner.says(/ready/);
    expect(processesNaming(path.join(place.dbpath, 'pgdata'))).not.toEqual([]);
    await runner.stop('SIGKILL');
    await noProcessNames(place.dbpath);
  });

  test('shows the developer why it does not start', async () => {
    const holder = launchOn(place.dbpath);
    await holder.port();
    await expect(create()).rejects.toThrow(/DBPathInUse[\s\S]*Another mongod instance is already running/);
    expect(await holder.stop()).toBe(0);
  });
});
