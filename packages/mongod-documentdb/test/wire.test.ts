import { Long, serialize, UUID } from 'bson';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCommand, MessageReader, parseMessage, WireError } from '../src/gateway/wire.ts';
import { eventually } from './helpers/eventually.ts';
import { bodySection, message, opMsg, RawClient, replyOf, sequenceSection } from './helpers/raw-client.ts';
import { startServer, type TestServer } from './helpers/server.ts';

const ping = serialize({ ping: 1, $db: 'admin' });

describe('MessageReader', () => {
  const first = encodeCommand(1, Buffer.from(ping));
  const second = encodeCommand(2, Buffer.from(serialize({ hello: 1, $db: 'admin' })));

  it('finds the same messages however the stream is cut', () => {
    const stream = Buffer.concat([first, second, first]);
    for (let size = 1; size <= stream.length; size++) {
      const reader = new MessageReader();
      const found: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) found.push(...reader.push(stream.subarray(at, at + size)));
      expect(found).toEqual([first, second, first]);
    }
  });

  it.each([-1, 0, 15, 48_000_001, 0x7fffffff])('refuses the length %i from the header alone', (length) => {
    const header = message(2013, Buffer.alloc(0), 1, length);
    expect(() => new MessageReader().push(header)).toThrow(WireError);
  });
});

describe('parseMessage', () => {
  it('separates the body from its document sequence', () => {
    const sections = Buffer.concat([sequenceSection('documents', [{ a: 1 }, { a: 2 }]), bodySection(ping)]);
    const request = parseMessage(opMsg(sections, { requestId: 7 }));
    expect(request.id).toBe(7);
    expect(request.body.equals(ping)).toBe(true);
    expect(request.sequences).toHaveLength(1);
    expect(request.sequences[0]?.field).toBe('documents');
    expect(request.sequences[0]?.bytes.equals(Buffer.concat([serialize({ a: 1 }), serialize({ a: 2 })]))).toBe(true);
  });

  it('leaves a checksum alone', () => {
    const sections = Buffer.concat([bodySection(ping), Buffer.from([1, 2, 3, 4])]);
    expect(parseMessage(opMsg(sections, { flags: 1 })).body.equals(ping)).toBe(true);
  });

  const lies = Buffer.from(ping);
  lies.writeInt32LE(ping.length + 100, 0);
  it.each([
    ['an unknown opcode', message(2012, ping)],
    ['an unknown required flag', opMsg(bodySection(ping), { flags: 4 })],
    ['no section', opMsg(Buffer.alloc(0))],
    ['two bodies', opMsg(Buffer.concat([bodySection(ping), bodySection(ping)]))],
    ['a section of unknown kind', opMsg(Buffer.concat([Buffer.of(9), ping]))],
    ['a body longer than the message', opMsg(bodySection(lies))],
    ['a sequence only', opMsg(sequenceSection('documents', [{ a: 1 }]))],
    ['a sequence without a name', opMsg(Buffer.from([1, 8, 0, 0, 0, 1, 1, 1, 1]))],
    ['a query without a collection', message(2004, Buffer.alloc(4, 1))],
    ['a query without a document', message(2004, Buffer.from('\0\0\0\0admin.$cmd\0\0\0\0\0\0\0\0\0', 'latin1'))],
  ])('refuses %s', (_what, bytes) => {
    expect(() => parseMessage(bytes)).toThrow(WireError);
  });
});

describe('a server', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server?.close();
  });

  const serves = async (): Promise<void> => {
    const client = await RawClient.connect(server.port);
    expect(await client.command({ ping: 1, $db: 'admin' })).toMatchObject({ ok: 1 });
    client.destroy();
  };

  it.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a header that announces 2 GB', message(2013, Buffer.alloc(0), 1, 0x7fffffff)],
    ['a negative length', message(2013, Buffer.alloc(0), 1, -5)],
    ['more than the largest message', message(2013, Buffer.alloc(64), 1, 48_000_001)],
    ['a malformed message', opMsg(Buffer.of(9, 9, 9))],
  ])('closes the connection on %s and goes on serving', async (_what, bytes) => {
    const client = await RawClient.connect(server.port);
    client.send(bytes);
    await client.closed;
    await serves();
  });

  it('answers a body that is no BSON with an error', async () => {
    const client = await RawClient.connect(server.port);
    const garbled = Buffer.from(ping);
    garbled[4] = 0x55;
    client.send(opMsg(bodySection(garbled)));
    expect(replyOf(await client.receive())).toMatchObject({ ok: 0, code: 22, codeName: 'InvalidBSON' });
    expect(await client.command({ ping: 1, $db: 'admin' })).toMatchObject({ ok: 1 });
    client.destroy();
  });

  it('survives bodies of pseudo-random bytes', async () => {
    let state = 42;
    const byte = (): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 24;
    };
    for (let round = 0; round < 50; round++) {
      const body = Buffer.from(Array.from({ length: 200 }, byte));
      body.writeInt32LE(body.length, 0);
      const client = await RawClient.connect(server.port);
      client.send(opMsg(bodySection(body)));
      await Promise.race([client.receive().catch(() => {}), client.closed]);
      client.destroy();
    }
    await serves();
  });

  it('survives clients that leave in the middle of a message or of a command', async () => {
    const insert = opMsg(
      Buffer.concat([
        bodySection(serialize({ insert: 'left', $db: 'wire' })),
        sequenceSection('documents', [{ text: 'x'.repeat(100_000) }]),
      ]),
    );
    for (let round = 0; round < 20; round++) {
      const client = await RawClient.connect(server.port);
      client.send(round % 2 === 0 ? insert.subarray(0, 1000 * round + 10) : insert);
      client.destroy();
    }
    await serves();
  });

  it('serves 300 connections at once', async () => {
    const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.connect(server.port)));
    const replies = await Promise.all(clients.map((client) => client.command({ ping: 1, $db: 'admin' })));
    expect(replies.every((reply) => reply['ok'] === 1)).toBe(true);
    for (const client of clients) client.destroy();
  });

  it('answers pipelined requests in their order', async () => {
    const client = await RawClient.connect(server.port);
    const ids = Array.from({ length: 100 }, (_, i) => i + 1);
    client.send(Buffer.concat(ids.map((requestId) => opMsg(bodySection(ping), { requestId }))));
    const answered: number[] = [];
    for (const _ of ids) answered.push((await client.receive()).readInt32LE(8));
    expect(answered).toEqual(ids);
    client.destroy();
  });

  it('sends no reply where none is wanted', async () => {
    const client = await RawClient.connect(server.port);
    const insert = serialize({ insert: 'quiet', documents: [{ _id: 1 }], $db: 'wire' });
    client.send(opMsg(bodySection(insert), { flags: 2, requestId: 5 }));
    client.send(opMsg(bodySection(ping), { requestId: 6 }));
    expect((await client.receive()).readInt32LE(8)).toBe(6);
    const found = await client.command({ count: 'quiet', query: { _id: 1 }, $db: 'wire' });
    expect(found).toMatchObject({ n: 1 });
    client.destroy();
  });

  it('answers the handshake of older drivers', async () => {
    const client = await RawClient.connect(server.port);
    const query = Buffer.concat([
      Buffer.from('\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff', 'latin1'),
      serialize({ isMaster: 1, helloOk: true }),
    ]);
    client.send(message(2004, query, 9));
    const reply = await client.receive();
    expect([reply.readInt32LE(8), reply.readInt32LE(12), reply.readInt32LE(32)]).toEqual([9, 1, 1]);
    client.destroy();
  });

  it('takes documents from a sequence and refuses a sequence that the command does not have', async () => {
    const client = await RawClient.connect(server.port);
    const body = bodySection(serialize({ insert: 'sequence', $db: 'wire' }));
    client.send(opMsg(Buffer.concat([body, sequenceSection('documents', [{ _id: 1 }, { _id: 2 }])])));
    expect(replyOf(await client.receive())).toMatchObject({ ok: 1, n: 2 });
    client.send(opMsg(Buffer.concat([body, sequenceSection('things', [{ _id: 3 }])])));
    expect(replyOf(await client.receive())).toMatchObject({ ok: 0, code: 40415 });
    client.destroy();
  });

  it('rolls back the transaction of a connection that is dropped', async () => {
    const observer = await server.client();
    const things = observer.db('wire').collection<{ _id: string; n: number }>('things');
    await things.insertOne({ _id: 'kept', n: 0 });
    const { lsid, ...rest } = transaction();
    const client = await RawClient.connect(server.port);
    const insert = { insert: 'things', documents: [{ _id: 'ghost', n: 1 }], $db: 'wire', lsid, ...rest };
    expect(await client.command({ ...insert, startTransaction: true })).toMatchObject({ ok: 1, n: 1 });
    const update = { update: 'things', updates: [{ q: { _id: 'kept' }, u: { $set: { n: 99 } } }], $db: 'wire' };
    expect(await client.command({ ...update, lsid, ...rest })).toMatchObject({ ok: 1, nModified: 1 });
    client.destroy();
    await eventually('the transaction is gone', async () => {
      const status = await observer.db('admin').command({ serverStatus: 1 });
      return status['transactions']['currentOpen'].toString() === '0';
    });
    // The row is free: an update of it does not have to wait.
    await things.updateOne({ _id: 'kept' }, { $inc: { n: 1 } }, { maxTimeMS: 5000 });
    expect(await things.find().toArray()).toEqual([{ _id: 'kept', n: 1 }]);
  });
});

function transaction(): Record<string, unknown> {
  return { lsid: { id: new UUID() }, txnNumber: Long.fromNumber(1), autocommit: false };
}
