import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ended, read, useDataDirectory, withClient, write } from '../helpers/data-directory.ts';

const data = useDataDirectory();

describe('a first user', () => {
  test('starts a replica set of one, in which transactions work, and the record says what runs where', async () => {
    const said: string[] = [];
    const database = await data.open(said);
    expect(database.joined).toBe(false);
    expect(said.filter((line) => line.startsWith('Database: '))).toHaveLength(1);
    const { engine, version, port, pid } = data.record();
    expect({ engine, version }).toEqual({ engine: database.engine, version: database.version });
    expect(new URL(database.uri).port).toBe(String(port));
    expect(ended(pid)).toBe(false);
    const count = await withClient(database.uri, (client) =>
      client.withSession((session) =>
        session.withTransaction(async () => {
          await client.db().collection('notes').insertOne({ in: 'a transaction' }, { session });
          return client.db().collection('notes').countDocuments({}, { session });
        }),
      ),
    );
    expect(count).toBe(1);
  });

  test('finds its data again at the next start, on the same port, and nothing runs in between', async () => {
    const first = await data.open();
    await write(first.uri, 'kept');
    const { pid, port } = data.record();
    await first.stop();
    expect(ended(pid)).toBe(true);
    // Leaving is not losing: a service that stops must not report a database that has ended.
    expect(await Promise.race([first.lost, Promise.resolve('not lost')])).toBe('not lost');
    expect(data.record()).not.toHaveProperty('pid');
    const second = await data.open();
    expect(data.record().port).toBe(port);
    expect(await read(second.uri)).toEqual(['kept']);
  });

  test('finds its data again when its port was taken in the meantime', async () => {
    const first = await data.open();
    await write(first.uri, 'kept');
    await first.stop();
    const { port } = data.record();
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const second = await data.open();
      expect(data.record().port).not.toBe(port);
      expect(await read(second.uri)).toEqual(['kept']);
    } finally {
      squatter.close();
    }
  });
});

describe('several users', () => {
  test('that come at once share one database', async () => {
    const databases = await Promise.all(Array.from({ length: 5 }, () => data.open()));
    expect(new Set(databases.map(({ uri }) => uri)).size).toBe(1);
  });

  test('may leave in any order: the one that started it leaves first, the last one stops it', async () => {
    const { client, said } = await data.openElsewhere();
    expect(said).toBe('open started');
    const { pid } = data.record();
    const database = await data.open();
    expect(database.joined).toBe(true);
    client.stdin.end();
    await once(client, 'exit');
    await write(database.uri, 'still there');
    expect(data.record().pid).toBe(pid);
    await database.stop();
    expect(ended(pid)).toBe(true);
  });

  test('that come while it is being stopped wait, and start it anew', async () => {
    const first = await data.open();
    await write(first.uri, 'kept');
    const [, second] = await Promise.all([first.stop(), data.open()]);
    expect(await read(second.uri)).toEqual(['kept']);
  });
});

describe('what cannot be opened', () => {
  test('the engine that wrote the data is missing: the error names it, and nothing is left running', async () => {
    const { engine, stop } = await data.open();
    await stop();
    const other = engine === 'mongodb' ? 'documentdb' : 'mongodb';
    writeFileSync(data.path('database.json'), JSON.stringify({ engine: other, version: '99.0.0' }));
    await expect(data.open()).rejects.toThrow(/99\.0\.0/);
    await expect.poll(data.holder).toBeUndefined();
  });

  test('a damaged record is an error that names the file', async () => {
    writeFileSync(data.path('database.json'), '{"engine":');
    await expect(data.open()).rejects.toThrow(/database\.json is not readable/);
  });

  test('a data directory that is a file', async () => {
    writeFileSync(data.path('db'), '');
    await expect(data.open()).rejects.toThrow(/data directory cannot be used/);
  });
});

test('a stranger on this machine who does not know the word is neither told anything nor counted', async () => {
  const database = await data.open();
  const port = data.holder()?.controlPort ?? 0;
  for (const words of ['{"token":"guess"}\n', 'GET / HTTP/1.1\r\n\r\n', 'null\n', 'x'.repeat(100_000)]) {
    const socket = connect(port, '127.0.0.1', () => socket.write(words));
    let heard = '';
    socket.on('data', (data) => {
      heard += data;
    });
    socket.on('error', () => {}); // a reset is as good as an end, and `once` would take it for a failure
    await new Promise((closed) => socket.once('close', closed));
    expect(heard).toBe('');
  }
  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const { pid } = data.record();
  await database.stop();
  expect(ended(pid)).toBe(true);
  silent.destroy();
});
