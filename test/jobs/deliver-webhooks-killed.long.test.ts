import { MongoClient } from 'mongodb';
import { afterAll, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { useServiceProcesses } from '../helpers/service-process.ts';
import { until } from '../helpers/until.ts';
import { WebhookReceiver } from '../helpers/webhook-receiver.ts';

const EMAIL = 'admin@example.com';
const PASSWORD = 'correct horse battery staple';

const { run, freshDatabase } = useServiceProcesses();
const receivers: WebhookReceiver[] = [];
afterAll(() => Promise.all(receivers.map((each) => each.close())));

async function request(address: string, path: string, body: unknown, token?: string) {
  const response = await fetch(`${address}/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}

it('a process that is killed while it delivers is followed by another, with the same id', async () => {
  const receiver = await WebhookReceiver.open();
  receivers.push(receiver);
  const uri = freshDatabase();
  const environment = {
    NODE_ENV: 'test',
    MONGODB_URI: uri,
    KEYRING: generateKeyringSpec(),
    WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
  };
  const first = run(environment);
  const address = await first.address();
  await request(address, '/users', { email: EMAIL, password: PASSWORD });
  const client = await new MongoClient(uri).connect();
  await client
    .db()
    .collection('users')
    .updateOne({ email: EMAIL }, { $set: { roles: ['user', 'admin'] } });
  await client.close();
  const { accessToken } = await request(address, '/sessions', { email: EMAIL, password: PASSWORD });
  const endpoint = { url: receiver.url, events: ['user.created'] };
  const { secret = '' } = await request(address, '/admin/webhooks', endpoint, accessToken);

  // It arrives, and the process dies before it hears so.
  receiver.answer = async () => {
    first.child.kill('SIGKILL');
    await first.ended;
    return { status: 204 };
  };
  await request(address, '/users', { email: 'ada@example.com', password: PASSWORD });
  await first.ended;
  receiver.answer = () => ({ status: 204 });
  const second = run(environment);
  await second.address();
  // The lease of the first one has to end.
  await until('it has arrived again', () => receiver.received.length === 2, 60_000);
  expect(new Set(receiver.ids).size).toBe(1);
  expect(receiver.verified(secret)).toMatchObject(Array(2).fill({ type: 'user.created' }));
  await until('it is marked', () => second.logged().includes('webhook delivered'));
});
