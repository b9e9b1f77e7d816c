import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { PgConnection, PgError } from '../src/postgres/connection.ts';
import { PgPool } from '../src/postgres/pool.ts';
import { ensureEngine } from '../src/provision.ts';
import { ensureDataDirectory } from '../src/template.ts';
import { eventually } from './helpers/eventually.ts';

let directory: string;
let cluster: Cluster;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mongod-documentdb-pg-'));
  const { tree, template } = await ensureEngine(() => {});
  const data = path.join(directory, 'pgdata');
  await ensureDataDirectory(template, data, false);
  cluster = await startCluster({ tree, data, settings: { fsync: 'off' } });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

const connect = (): Promise<PgConnection> => new PgConnection({ socketPath: cluster.socketPath }).connect();

async function failure(promise: Promise<unknown>): Promise<PgError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PgError) return error;
  throw new Error(`no PgError: ${error}`);
}

async function backendsOf(connection: PgConnection): Promise<number> {
  const rows = await connection.simple("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'");
  return Number(rows[0]?.[0]?.toString());
}

describe('a connection', () => {
  test('takes and returns bytes as they are', async () => {
    const connection = await connect();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const rows = await connection.query('SELECT $1::bytea, $2::text, $3::int4, NULL', [bytes, 'süß 🐘', null]);
    expect(rows).toEqual([[bytes, Buffer.from('süß 🐘'), null, null]]);
    expect(await connection.query('SELECT $1::bytea', [Buffer.alloc(0)])).toEqual([[Buffer.alloc(0)]]);
    connection.close();
  });

  test('carries 20 MB both ways, and many small rows', async () => {
    const connection = await connect();
    const large = Buffer.alloc(20_000_000, 'roster');
    const [row] = await connection.query('SELECT $1::bytea', [large]);
    expect(row?.[0]?.equals(large)).toBe(true);
    const rows = await connection.simple('SELECT n FROM generate_series(1, 50000) n');
    expect(rows.length).toBe(50_000);
    expect(rows.at(-1)?.[0]?.toString()).toBe('50000');
    connection.close();
  });

  test('answers in the order of the requests, though none waits for the one before', async () => {
    const connection = await connect();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => connection.query('SELECT $1::text', [String(n)])),
    );
    expect(answers.map((rows) => rows[0]?.[0]?.toString())).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
    connection.close();
  });

  test('tells the state, detail and constraint of an error and stays usable', async () => {
    const connection = await connect();
    await connection.simple('CREATE TEMP TABLE t (id int CONSTRAINT only_once PRIMARY KEY)');
    const insert = (id: string) => connection.query('INSERT INTO t VALUES ($1::text::int)', [id]);
    await insert('1');
    const error = await failure(insert('1'));
    expect(error).toMatchObject({ state: '23505', constraint: 'only_once', detail: expect.stringContaining('(1)') });
    await insert('2');
    expect((await connection.query('SELECT id::text FROM t')).map(([id]) => id?.toString())).toEqual(['1', '2']);
    connection.close();
  });

  test('prepares a statement anew that the server refused at first', async () => {
    const connection = await connect();
    const read = () => connection.query('SELECT count(*)::text FROM comes_later');
    expect((await failure(read())).state).toBe('42P01');
    await connection.simple('CREATE TEMP TABLE comes_later (id int)');
    expect(String(await read())).toBe('0');
    connection.close();
  });

  test('knows whether a transaction is open', async () => {
    const connection = await connect();
    expect(connection.status).toBe('I');
    await connection.simple('BEGIN');
    expect(connection.status).toBe('T');
    await failure(connection.simple('SELECT 1/0'));
    expect(connection.status).toBe('E');
    await connection.simple('ROLLBACK');
    expect(connection.status).toBe('I');
    connection.close();
  });

  test('begins a transaction along with a query, prepared before or not', async () => {
    const connection = await connect();
    const answer = 'SELECT 42::int8';
    for (const _ of ['not prepared', 'prepared']) {
      connection.beginWithNextQuery();
      expect(connection.status).toBe('I');
      expect((await connection.query(answer))[0]?.[0]?.readBigInt64BE()).toBe(42n);
      expect(connection.status).toBe('T');
      await connection.simple('ROLLBACK');
    }
    connection.beginWithNextQuery();
    await failure(connection.query('SELECT 1 / $1::int', ['0']));
    expect(connection.status).toBe('E');
    await connection.simple('ROLLBACK');
    await connection.query(answer);
    expect(connection.status).toBe('I');
    connection.close();
  });

  test('cancels what it is running', async () => {
    const connection = await connect();
    let ended = false;
    const slow = failure(connection.simple('SELECT pg_sleep(60)')).finally(() => {
      ended = true;
    });
    // The server may not have begun when the first request to cancel arrives.
    await eventually('cancelled', async () => {
      await connection.cancel();
      return ended;
    });
    expect((await slow).state).toBe('57014');
    connection.close();
  });

  test('fails every request when the server ends it, and those made later', async () => {
    const connection = await connect();
    let closes = 0;
    connection.onclose = () => closes++;
    const suicide = failure(connection.simple('SELECT pg_terminate_backend(pg_backend_pid())'));
    const behind = failure(connection.query('SELECT 1'));
    // The connection may be gone before its last words are read.
    expect(['57P01', '08006']).toContain((await suicide).state);
    expect((await behind).state).toBe('08006');
    expect(connection.closed).toBe(true);
    expect(closes).toBe(1);
    expect((await failure(connection.query('SELECT 1'))).state).toBe('08006');
  });

  test('says so when there is no server', async () => {
    const nobody = new PgConnection({ socketPath: path.join(directory, 'no-socket') });
    expect(await failure(nobody.connect())).toMatchObject({
      state: '08006',
      message: expect.stringContaining('ENOENT'),
    });
  });

  test('refuses settings that the server does not know', async () => {
    const connection = new PgConnection({ socketPath: cluster.socketPath, settings: { no_such_setting: '1' } });
    expect((await failure(connection.connect())).state).toBe('42704');
  });
});

describe('a pool', () => {
  const open = (max: number): PgPool => new PgPool({ socketPath: cluster.socketPath }, max);

  test('opens no more connections than it may, and serves all who wait', async () => {
    const pool = open(3);
    let now = 0;
    let most = 0;
    const work = Array.from({ length: 30 }, () =>
      pool.with(async (connection) => {
        most = Math.max(most, ++now);
        await connection.query('SELECT pg_sleep(0.001)');
        now--;
      }),
    );
    await Promise.all(work);
    expect(most).toBe(3);
    pool.close();
  });

  test('uses the same connection again', async () => {
    const pool = open(5);
    const first = await pool.with(async (connection) => connection);
    expect(await pool.with(async (connection) => connection)).toBe(first);
    pool.close();
  });

  test('rolls back what was left open', async () => {
    const pool = open(1);
    await pool.with(async (connection) => {
      await connection.simple('CREATE TABLE left_open (id int)');
      await connection.simple('BEGIN; INSERT INTO left_open VALUES (1)');
    });
    const rows = await pool.with(async (connection) => {
      expect(connection.status).toBe('I');
      return connection.simple('SELECT count(*) FROM left_open');
    });
    expect(String(rows)).toBe('0');
    pool.close();
  });

  test('replaces a connection that was lost, for who waits for it too', async () => {
    const pool = open(1);
    const lost = await pool.acquire();
    const next = pool.acquire();
    await failure(lost.simple('SELECT pg_terminate_backend(pg_backend_pid())'));
    const connection = await next;
    expect(connection).not.toBe(lost);
    expect(String(await connection.query('SELECT 1::text'))).toBe('1');
    pool.close();
  });

  test('hands on the error when nothing can be opened, to each who asks', async () => {
    const pool = new PgPool({ socketPath: path.join(directory, 'no-socket') }, 1);
    const errors = await Promise.all([failure(pool.acquire()), failure(pool.acquire()), failure(pool.acquire())]);
    expect(errors.map((error) => error.state)).toEqual(['08006', '08006', '08006']);
  });

  test('closes everything and turns away who waits', async () => {
    const observer = await connect();
    const before = await backendsOf(observer);
    const pool = open(2);
    const used = await Promise.all([pool.acquire(), pool.acquire()]);
    const waiting = failure(pool.acquire());
    pool.close();
    expect((await waiting).state).toBe('57P01');
    expect(used.map((connection) => connection.closed)).toEqual([true, true]);
    expect((await failure(pool.acquire())).state).toBe('57P01');
    await eventually('backends gone', async () => (await backendsOf(observer)) === before);
    observer.close();
  });
});
