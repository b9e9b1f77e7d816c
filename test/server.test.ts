import { readdirSync, readFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { generateKeyringSpec } from '../src/lib/keyring.ts';
import { useServiceProcesses } from './helpers/service-process.ts';
import { until } from './helpers/until.ts';

const { run, freshDatabase, refuses } = useServiceProcesses();

const signUp = (address: string) =>
  fetch(`${address}/v1/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'first@example.com', password: 'correct horse battery staple' }),
  });

/** How nice the threads of a process are to those of others (proc(5)). */
function niceness(pid = 0): Record<string, number[]> {
  const niceOf = (thread: string): number => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16]);
  };
  const threads = readdirSync(`/proc/${pid}/task`);
  const distinct = (some: string[]) => [...new Set(some.map(niceOf))];
  return {
    'event loop': distinct(threads.filter((thread) => Number(thread) === pid)),
    others: distinct(threads.filter((thread) => Number(thread) !== pid)),
  };
}

describe('the service', () => {
  it('starts, says where everything is, serves, and ends without losing a request', async () => {
    const service = run({ MONGODB_URI: freshDatabase() });
    const address = await service.address();
    expect(await (await fetch(`${address}/readyz`)).json()).toEqual({ status: 'ready' });
    const [, metrics = ''] = /Metrics: +(\S+)/.exec(service.said()) ?? [];
    expect(await (await fetch(metrics)).text()).toContain('roster_hashing_active');
    expect(service.said()).toContain(`Docs:     ${address}/docs`);
    expect(service.said()).toContain('bin/roster admin create --email');

    if (process.platform === 'linux') expect(niceness(service.child.pid)).toEqual({ 'event loop': [0], others: [10] });

    // Four hashes take longer than the signal: some of these are under way when it comes.
    const inFlight = Array.from({ length: 4 }, () => signUp(address));
    await until('requests are under way', () =>
      fetch(metrics)
        .then((r) => r.text())
        .then((text) => /roster_hashing_active [1-9]/.test(text)),
    );
    const signalled = Date.now();
    service.child.kill('SIGTERM');
    service.child.kill('SIGTERM'); // as npm does, after the terminal has
    const statuses = (await Promise.all(inFlight)).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 409, 409, 409]);
    expect(await service.ended).toBe(0);
    // Well within the grace period: nothing waits for connections that have their answer.
    expect(Date.now() - signalled).toBeLessThan(8_000);
    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
    for (const line of service.logged().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
  });
});

describe('a start that cannot succeed', () => {
  it('because the configuration is wrong, names each mistake', async () => {
    await refuses({ PORT: 'many', TRUSTED_PROXIES: 'nobody' }, /not usable:\n {2}- .*PORT/);
    await refuses({ NODE_ENV: 'production' }, /MONGODB_URI is required[\s\S]*KEYRING is required/);
  });

  it('because the database is not there', async () => {
    const MONGODB_URI = 'mongodb://127.0.0.1:9/roster?directConnection=true';
    await refuses({ MONGODB_URI, MONGODB_SERVER_SELECTION_TIMEOUT_MS: '200' }, /The database does not answer/);
  });

  it('because migrations are pending in production, which never migrates', async () => {
    const MONGODB_URI = freshDatabase();
    const production = { NODE_ENV: 'production', KEYRING: generateKeyringSpec(), MONGODB_URI };
    await refuses(production, /Migrations are pending: 001_initial_schema\.js.*migrate-mongo up/);
    const client = await new MongoClient(MONGODB_URI).connect();
    expect(await client.db().listCollections().toArray()).toEqual([]);
    await client.close();
  });
});
