// W3: a secret of a webhook in a log, in an answer or in a dump of the database. Elsewhere the list of webhooks showed
// the secrets to everybody who could read it, and whoever had one could send events in the service's name. Here a secret
// is shown once, to an admin who signed in minutes ago, and what is kept is encrypted: payloads and refusals too.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebhookDelivery } from '../../src/models/webhook-delivery.ts';
import { openWebhooks } from '../../src/webhooks.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { age, call, dump, type Person, person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { WebhookReceiver } from '../helpers/webhook-receiver.ts';

const WEBHOOKS = '/v1/admin/webhooks';
/** In the URL of the endpoint, and in what the receiver says. */
const CANARY = 'canary-Zq81-in-the-path';
const SAID = 'canary-Kx33-said-by-the-receiver';

let service: TestApp;
let admin: Person;
let other: WebhookReceiver;
let secrets: string[];
let url: string;
let payload: string;
const answers: string[] = [];

beforeAll(async () => {
  service = await buildTestApp({ WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true', LOG_LEVEL: 'trace' });
  other = await WebhookReceiver.open();
  other.answer = ({ body }) => ({ status: body.includes('webhook.test') ? 200 : 500, body: SAID });
  admin = await person(service, { roles: ['admin'] });
  const made = (await admin.call('POST', WEBHOOKS, { url: `${other.url}/${CANARY}?token=${CANARY}` })).json();
  url = `${WEBHOOKS}/${made.webhook.id}`;
  const rotated = (await admin.call('POST', `${url}/rotate-secret`, {})).json();
  secrets = [made.secret, rotated.secret];
  const webhooks = openWebhooks(service.app);
  webhooks.start();
  await person(service);
  await until('it has been refused', async () => (await WebhookDelivery.countDocuments({ attempts: 1 })) === 2);
  await admin.call('POST', `${url}/test`);
  await until('it has arrived', async () => (await WebhookDelivery.countDocuments({ outcome: 'delivered' })) > 0);
  await webhooks.stop();
  payload = other.received.map(({ body }) => body).find((body) => body.includes('user.created')) ?? '';
  const reads = ['', `/${made.webhook.id}`, `/${made.webhook.id}/deliveries`].map((path) => `${WEBHOOKS}${path}`);
  for (const read of reads) {
    const { statusCode, body } = await admin.call('GET', read);
    if (statusCode !== 200) throw new Error(`${read} answered ${statusCode}: ${body}`);
    answers.push(body);
  }
  answers.push((await admin.call('PATCH', url, { description: 'CRM' })).body);
});
afterAll(async () => {
  await other.close();
  await service.close();
});

it('a secret is in no other answer than the one that made it', () => {
  for (const answer of answers) {
    expect(answer).not.toMatch(/whsec_|"secret"|previousSecret"|v1\./);
    for (const secret of secrets) expect(answer).not.toContain(secret.slice('whsec_'.length));
  }
});

it('nothing of a delivery is in the log but that it was tried', () => {
  const log = service.log();
  expect(log).toContain('webhook delivered');
  expect(log).toContain('webhook not delivered');
  for (const word of [...secrets, CANARY, SAID, 'whsec_', `127.0.0.1:${other.port}`]) expect(log).not.toContain(word);
  const { email } = JSON.parse(payload).data.user;
  for (const line of service.logged().filter(({ msg }) => String(msg).startsWith('webhook')))
    expect(JSON.stringify(line)).not.toContain(email);
});

it('a dump of the database holds neither secrets nor what was sent or answered', async () => {
  const everything = await dump();
  // Of the account itself, and of its images.
  const kept = await dump({ except: ['users', 'journal'] });
  for (const secret of secrets) expect(everything).not.toContain(secret.slice('whsec_'.length));
  expect(everything).not.toContain(SAID);
  expect(kept).not.toContain(JSON.parse(payload).data.user.email);
});

it('a session that somebody stole hours later shows no secret and sends nothing elsewhere', async () => {
  await age(admin.sessionId, 11);
  for (const attempt of [
    admin.call('POST', WEBHOOKS, { url: other.url }),
    admin.call('POST', `${url}/rotate-secret`, {}),
    admin.call('PATCH', url, { url: other.url }),
  ]) {
    const { statusCode, body } = await attempt;
    expect(statusCode).toBe(403);
    expect(JSON.parse(body).code).toBe('reauthentication-required');
    expect(body).not.toContain('whsec_');
  }
});

it('is not kept for a replay of the request', async () => {
  await age(admin.sessionId, 0);
  const options = { headers: { ...admin.headers, 'idempotency-key': 'once' } };
  const made = await call(service, 'POST', WEBHOOKS, { url: other.url }, options);
  expect(made.json().code).toBe('idempotency-not-supported');
});
