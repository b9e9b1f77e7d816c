import { connect, createServer } from 'node:net';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { generateKeyringSpec } from '../src/lib/keyring.ts';
import { applyMigrations } from '../src/migrations.ts';
import { useServiceProcesses } from './helpers/service-process.ts';
import { until } from './helpers/until.ts';

const { run, freshDatabase, refuses } = useServiceProcesses();

describe('the service', () => {
  it('does not wait for a client that keeps its connection and says nothing', async () => {
    const service = run({ MONGODB_URI: freshDatabase(), SHUTDOWN_GRACE_MS: '500' });
    const { hostname, port } = new URL(await service.address());
    const silent = connect(Number(port), hostname, () => silent.write('POST /v1/users HTTP/1.1\r\n')).on(
      'error',
      () => {},
    );
    await new Promise((resolve) => silent.on('connect', resolve));
    service.child.kill('SIGINT');
    expect(await service.ended).toBe(0);
    silent.destroy();
  });

  it('says that it leaves, and serves until load balancers have seen it', async () => {
    const service = run({ MONGODB_URI: freshDatabase(), SHUTDOWN_DELAY_MS: '2000' });
    const address = await service.address();
    expect((await fetch(`${address}/healthz`)).headers.get('connection')).toBe('keep-alive');
    service.child.kill('SIGTERM');
    await until('it is not ready', () => fetch(`${address}/readyz`).then(({ status }) => status === 503));
    expect(await (await fetch(`${address}/readyz`)).json()).toEqual({ status: 'stopping' });
    const served = await fetch(`${address}/v1/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'first@example.com', password: 'correct horse battery staple' }),
    });
    expect([served.status, served.headers.get('connection')]).toEqual([201, 'close']);
    expect(await service.ended).toBe(0);
  });
});

describe('a start that cannot succeed', () => {
  it('because a port is taken, names the variable', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await until('the port is taken', () => occupant.address());
    const { port } = occupant.address() as { port: number };
    const MONGODB_URI = freshDatabase();
    await refuses({ MONGODB_URI, PORT: String(port) }, new RegExp(`Port ${port} is taken.* PORT `));
    await refuses({ MONGODB_URI, METRICS_PORT: String(port) }, new RegExp(`Port ${port} is taken.* METRICS_PORT `));
    occupant.close();
  });

  it('because a unique index is missing: two accounts could share an email', async () => {
    const MONGODB_URI = freshDatabase();
    await applyMigrations(MONGODB_URI, () => {});
    const client = await new MongoClient(MONGODB_URI).connect();
    await client.db().collection('users').dropIndex('idx_users_email');
    await client.close();
    await refuses({ MONGODB_URI }, /Unique indexes are missing: users: idx_users_email/);
  });

  it('because the keyring is not the one that the database was written with', async () => {
    const MONGODB_URI = freshDatabase();
    const first = run({ MONGODB_URI, KEYRING: generateKeyringSpec() });
    await first.address();
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await refuses({ MONGODB_URI, KEYRING: generateKeyringSpec() }, /The keyring does not open what the database holds/);
  });
});
