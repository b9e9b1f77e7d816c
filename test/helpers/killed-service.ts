import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Db, MongoClient, ObjectId } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { freshEmail, PASSWORD } from './people.ts';
import { roster } from './roster.ts';
import { type ServiceProcess, useServiceProcesses } from './service-process.ts';
import { until } from './until.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

/** Long enough that events are sealed, webhooks delivered and accounts erased in each round. */
const KILL_WITHIN_MS = { from: 3_100, to: 3_900 } as const;

const LEASES = ['webhook_events', 'webhook_deliveries', 'outbox'];

interface World {
  readonly uri: string;
  readonly keyring: string;
  readonly receiver: WebhookReceiver;
  start(environment: Record<string, string>): ServiceProcess;
}

/** What the clients of a service know of what they asked for. */
class Clients {
  /** Accounts whose sign-up was acknowledged. */
  readonly made: string[] = [];
  /** Accounts that somebody asked to erase, whatever came of it. */
  readonly erased: string[] = [];
  /** Erasures that were acknowledged. */
  readonly gone: string[] = [];
  #address = '';
  #token = '';

  /** From now on they ask this instance. */
  turnTo(address: string): void {
    this.#address = address;
    this.#token = '';
  }

  async signIn(email: string): Promise<void> {
    const { accessToken } = await this.send('POST', '/sessions', { email, password: PASSWORD });
    this.#token = String(accessToken);
  }

  async send(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#address}/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(this.#token && { authorization: `Bearer ${this.#token}` }) },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }

  async signUp(): Promise<void> {
    const { id } = await this.send('POST', '/users', { email: freshEmail('killed'), password: PASSWORD });
    this.made.push(String(id));
    // Not all of the machine is for hashes.
    await pause(100);
  }

  async erase(): Promise<void> {
    const id = this.made.find((each) => !this.erased.includes(each));
    if (id === undefined) return void (await pause(50));
    this.erased.push(id);
    const { status } = await this.send('POST', `/admin/users/${id}/erase`, { reason: 'asked for it' });
    if (status === 'purged') this.gone.push(id);
  }
}

/** Goes on until the service is no more. */
async function keepAsking(ask: () => Promise<void>, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted)
    await ask().catch((error: unknown) => {
      // Cut off by the kill; anything else is a finding.
      if (!stopped.aborted && !/fetch failed|terminated|other side closed/.test(String(error))) throw error;
    });
}

/**
 * Kills a service again and again while accounts are made and erased, events sealed and webhooks delivered; then lets
 * one finish, and compares what is there with what was acknowledged.
 */
async function killServices(world: World, rounds: number): Promise<void> {
  const client = await new MongoClient(world.uri).connect();
  const environment = {
    NODE_ENV: 'test',
    MONGODB_URI: world.uri,
    KEYRING: world.keyring,
    WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
    RATE_LIMIT_MULTIPLIER: '1000000',
  };
  const clients = new Clients();
  try {
    const email = await setUp(world, environment, client.db(), clients);
    for (let round = 0; round < rounds; round += 1) await killOne(world, environment, email, clients);
    await finish(world, environment, client.db());
    await compare(world, client.db(), clients);
  } finally {
    await client.close();
  }
}

async function setUp({ receiver, start }: World, environment: Record<string, string>, db: Db, clients: Clients) {
  const service = start(environment);
  const email = freshEmail('admin');
  clients.turnTo(await service.address());
  await clients.send('POST', '/users', { email, password: PASSWORD });
  await db.collection('users').updateOne({ email }, { $set: { roles: ['user', 'admin'] } });
  await clients.signIn(email);
  await clients.send('POST', '/admin/webhooks', { url: receiver.url, events: ['user.created'] });
  service.child.kill('SIGTERM');
  await service.ended;
  return email;
}

async function killOne({ start }: World, environment: Record<string, string>, email: string, clients: Clients) {
  const service = start(environment);
  clients.turnTo(await service.address());
  await clients.signIn(email);
  const stopped = new AbortController();
  const asking = [
    keepAsking(() => clients.signUp(), stopped.signal),
    keepAsking(() => clients.signUp(), stopped.signal),
    keepAsking(() => clients.erase(), stopped.signal),
  ];
  await pause(randomInt(KILL_WITHIN_MS.from, KILL_WITHIN_MS.to));
  service.child.kill('SIGKILL');
  await service.ended;
  stopped.abort();
  await Promise.all(asking);
}

/** As if the leases of whoever was killed had run out. */
async function finish({ start, uri, keyring }: World, environment: Record<string, string>, db: Db): Promise<void> {
  for (const name of LEASES)
    await db.collection(name).updateMany({ dueAt: { $exists: true } }, { $set: { dueAt: new Date() } });
  await db.collection('jobs').updateMany({ leaseUntil: { $exists: true } }, { $set: { leaseUntil: new Date(0) } });
  const last = start(environment);
  await last.address();
  const { code, stderr } = await roster(['retention', 'run'], { env: { MONGODB_URI: uri, KEYRING: keyring } });
  expect(code, stderr).toBe(0);
  await until('all events are sealed', async () => !(await db.collection('audit_events').findOne({ sealId: null })));
  for (const name of ['webhook_events', 'webhook_deliveries'])
    await until(`${name} are done`, async () => !(await db.collection(name).findOne({ dueAt: { $exists: true } })));
  last.child.kill('SIGTERM');
  await last.ended;
}

async function compare({ receiver, uri, keyring }: World, db: Db, clients: Clients): Promise<void> {
  expect(clients.made.length).toBeGreaterThan(5);
  expect(clients.gone.length).toBeGreaterThan(0);
  const verified = await roster(['audit', 'verify', '--json'], { env: { MONGODB_URI: uri, KEYRING: keyring } });
  expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([0, { valid: true }]);
  const idsOf = (id: string) =>
    new Set(receiver.received.filter(({ body }) => body.includes(id)).map(({ headers }) => headers['webhook-id']));
  for (const id of clients.made) {
    const _id = new ObjectId(id);
    const account = await db.collection('users').findOne({ _id });
    const purged = await db.collection('audit_events').countDocuments({ action: 'user.purged', 'target.id': _id });
    const belongings = await db.collection('one_time_tokens').countDocuments({ userId: _id });
    if (!clients.erased.includes(id)) {
      // Nothing that was acknowledged is lost, and it is told of once.
      expect([account?.['status'], purged, idsOf(id).size]).toEqual(['active', 0, 1]);
    } else if (account) {
      // The erasure never began.
      expect([account['status'], purged]).toEqual(['active', 0]);
      expect(clients.gone).not.toContain(id);
    } else {
      expect([purged, belongings]).toEqual([1, 0]);
      expect(idsOf(id).size).toBeLessThanOrEqual(1);
    }
  }
}

/** The test of it, in so many rounds. */
export function itSurvivesKills(rounds: number, timeoutMs: number): void {
  const { run, freshDatabase } = useServiceProcesses();
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    receiver = await WebhookReceiver.open();
  });
  afterAll(() => receiver.close());

  it(
    `a service that is killed ${rounds} times while it seals, delivers and erases loses nothing, and leaves nothing half done`,
    () => killServices({ uri: freshDatabase(), keyring: generateKeyringSpec(), receiver, start: run }, rounds),
    timeoutMs,
  );
}
