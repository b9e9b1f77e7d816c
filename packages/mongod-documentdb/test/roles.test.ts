import { type Document, Long, MongoClient, UUID } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReplicaSetConfig } from '../src/gateway/options.ts';
import { RawClient } from './helpers/raw-client.ts';
import { startServer, type TestServer } from './helpers/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.close();
});

const run = async (port: number, ...commands: Document[]): Promise<Document[]> => {
  const client = await RawClient.connect(port);
  const replies: Document[] = [];
  // The first key names the command.
  for (const { $db = 'admin', ...command } of commands) replies.push(await client.command({ ...command, $db }));
  client.destroy();
  return replies;
};

const insert = { insert: 'roles', documents: [{ a: 1 }], $db: 'roles' };
const transactional = { lsid: { id: new UUID() }, txnNumber: Long.ONE, startTransaction: true, autocommit: false };

describe('a standalone', () => {
  it('is written to, has no transactions and says what it is', async () => {
    const { port } = await server.another();
    const [hello, written, refused, status] = await run(
      port,
      { hello: 1 },
      insert,
      { ...insert, ...transactional },
      { replSetGetStatus: 1 },
    );
    expect(hello).toMatchObject({ isWritablePrimary: true, maxWireVersion: 21, logicalSessionTimeoutMinutes: 30 });
    expect(hello).not.toHaveProperty('setName');
    expect(hello).not.toHaveProperty('$clusterTime');
    expect(written).toMatchObject({ ok: 1, n: 1 });
    expect(refused).toMatchObject({ ok: 0, code: 20 });
    expect(status).toMatchObject({ ok: 0, code: 76 });
  });
});

describe('a member of a set that was not initiated', () => {
  it('serves nothing, then becomes primary and keeps its configuration', async () => {
    const saved: (ReplicaSetConfig | null)[] = [];
    const gateway = await server.another({ replSet: 'rs1', saveConfig: (config) => saved.push(config) });
    const { port } = gateway;
    const before = await run(port, { hello: 1 }, insert, { find: 'roles', $db: 'roles' }, { replSetGetConfig: 1 });
    expect(before).toMatchObject([
      { isWritablePrimary: false, isreplicaset: true },
      { ok: 0, code: 10107 },
      { ok: 0, code: 13436 },
      { ok: 0, code: 94 },
    ]);
    expect(gateway.hasConfig()).toBe(false);
    const member = { _id: 0, host: `localhost:${port}` };
    const refusals = await run(
      port,
      { replSetInitiate: { _id: 'other', members: [member] } },
      { replSetInitiate: { _id: 'rs1', members: [] } },
      { replSetInitiate: { _id: 'rs1', members: [{ _id: 0, host: 'nowhere' }] } },
      { replSetInitiate: { _id: 'rs1', members: [{ _id: 0, host: 'localhost:1' }] } },
    );
    expect(refusals.map(({ code }) => code)).toEqual([93, 93, 93, 93]);
    const after = await run(port, { replSetInitiate: { _id: 'rs1', members: [member] } }, { hello: 1 }, insert);
    expect(after).toMatchObject([
      { ok: 1 },
      { isWritablePrimary: true, setName: 'rs1', hosts: [member.host], primary: member.host, me: member.host },
      { ok: 1, n: 1 },
    ]);
    expect(saved).toEqual([{ _id: 'rs1', version: 1, members: [member] }]);
    const [status] = await run(port, { replSetGetStatus: 1 });
    expect(status).toMatchObject({ set: 'rs1', myState: 1, members: [{ stateStr: 'PRIMARY', self: true }] });
  });

  it('takes up the configuration of an earlier run', async () => {
    const config = { _id: 'rs2', version: 3, members: [{ _id: 0, host: '127.0.0.1:1' }] };
    const gateway = await server.another({ replSet: 'rs2', config });
    expect(gateway.hasConfig()).toBe(true);
    expect(await run(gateway.port, { hello: 1 })).toMatchObject([{ isWritablePrimary: true, setVersion: 3 }]);
  });
});

describe('a set of two', () => {
  it('has a primary and a mirror that serves its data and refuses writes', async () => {
    const primary = await server.another({ replSet: 'rs3' });
    const mirror = await server.another({ replSet: 'rs3', socketPath: '/nowhere' });
    const hosts = [primary, mirror].map(({ port }) => `127.0.0.1:${port}`);
    const members = hosts.map((host, _id) => ({ _id, host }));
    const initiated = await run(primary.port, { replSetInitiate: { _id: 'rs3', members } });
    expect(initiated).toMatchObject([{ ok: 1 }]);
    const client = await new MongoClient(`mongodb://${hosts.join()}/?replicaSet=rs3&w=majority`).connect();
    try {
      const things = client.db('mirrored').collection('things');
      await things.insertOne({ a: 1 });
      expect(await things.countDocuments({}, { readPreference: 'secondary' })).toBe(1);
    } finally {
      await client.close();
    }
    const replies = await run(mirror.port, { hello: 1 }, insert, { find: 'things', $db: 'mirrored' });
    expect(replies).toMatchObject([
      { isWritablePrimary: false, secondary: true, primary: hosts[0], me: hosts[1] },
      { ok: 0, code: 10107 },
      { ok: 1, cursor: { firstBatch: [{ a: 1 }] } },
    ]);
  });

  it('is not initiated while a member cannot be reached', async () => {
    const primary = await server.another({ replSet: 'rs4' });
    const members = [`127.0.0.1:${primary.port}`, '127.0.0.1:1'].map((host, _id) => ({ _id, host }));
    const [refused, hello] = await run(primary.port, { replSetInitiate: { _id: 'rs4', members } }, { hello: 1 });
    expect(refused).toMatchObject({ ok: 0, code: 7 });
    expect(hello).toMatchObject({ isWritablePrimary: false });
  });
});

describe('the server commands', () => {
  it('tell what the server is', async () => {
    const replies = await run(
      server.port,
      { buildInfo: 1 },
      { hostInfo: 1 },
      { getCmdLineOpts: 1 },
      { getParameter: 1, ttlMonitorSleepSecs: 1 },
      { connectionStatus: 1 },
      { whatsmyuri: 1 },
      { listCommands: 1 },
      { getLog: 'startupWarnings' },
      { listDatabases: 1 },
      { dbStats: 1, $db: 'roles' },
      { collStats: 'roles', $db: 'roles' },
      { validate: 'roles', $db: 'roles' },
      { currentOp: 1 },
      { fsync: 1 },
    );
    expect(replies.map(({ ok }) => ok)).toEqual(replies.map(() => 1));
    expect(replies[0]).toMatchObject({ gitVersion: 'mongod-documentdb', maxBsonObjectSize: 16_777_216 });
    expect(replies[3]).toMatchObject({ ttlMonitorSleepSecs: '60' });
    expect(replies[6]?.['commands']).toHaveProperty('find');
  });

  it('refuse what would have no effect', async () => {
    const replies = await run(server.port, { profile: 2 }, { fsync: 1, lock: true }, { setParameter: 1, logLevel: 2 });
    expect(replies.map(({ code }) => code)).toEqual([115, 115, 72]);
  });

  it('ask whoever started the server to shut it down', async () => {
    let ask = (): void => {};
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const { port } = await server.another({ onShutdown: () => ask() });
    expect(await run(port, { shutdown: 1 })).toMatchObject([{ ok: 1 }]);
    await asked;
    expect(await run(server.port, { shutdown: 1 })).toMatchObject([{ ok: 0, code: 115 }]);
  });

  it('refuse a parameter that makes no sense before anything is served', async () => {
    await expect(server.another({ params: { ttlMonitorSleepSecs: 'often' } })).rejects.toMatchObject({ code: 2 });
  });
});
