import { MongoClient } from 'mongodb';
import { MongoMemoryReplSet } from 'mongodb-memory-server';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensureEngine } from '../src/provision.ts';
import {
  buildLauncher,
  launchOn,
  leavePlace,
  MONGOD,
  makePlace,
  noProcessNames,
  type Place,
} from './helpers/launcher.ts';

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

describe('mongodb-memory-server', () => {
  const create = (): Promise<MongoMemoryReplSet> =>
    MongoMemoryReplSet.create({
      replSet: { count: 1, name: 'rs0' },
      binary: { systemBinary: MONGOD, version: '7.0.28' },
      instanceOpts: [{ dbPath: dbpath }],
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
      await noProcessNames(dbpath);
    }
  });

  test('shows the developer why it does not start', async () => {
    const holder = launchOn(dbpath);
    await holder.port();
    await expect(create()).rejects.toThrow(/DBPathInUse[\s\S]*Another mongod instance is already running/);
    expect(await holder.stop()).toBe(0);
  });
});
