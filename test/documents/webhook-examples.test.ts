import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WEBHOOK_EVENTS } from '../../src/lib/webhooks/catalogue.ts';
import { newWebhookSecret, signedHeaders } from '../../src/lib/webhooks/signature.ts';
import { WebhookDelivery } from '../../src/models/webhook-delivery.ts';
import { openWebhooks } from '../../src/webhooks.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Person, person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

const PAGE = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
const WEBHOOKS = '/v1/admin/webhooks';

it('the page lists the events of the catalogue', () => {
  const [, listed] = PAGE.split(/<!-- \/?events -->\n/);
  const rows = Object.entries(WEBHOOK_EVENTS).map(([type, when]) => `| \`${type}\` | ${when} |`);
  expect(listed?.trim()).toBe(['| type | when |', '|---|---|', ...rows].join('\n'));
});

describe('the receiver', () => {
  const directory = mkdtempSync(join(tmpdir(), 'roster-receiver-'));
  let service: TestApp;
  let admin: Person;
  const started: ChildProcess[] = [];

  beforeAll(async () => {
    const [, code = ''] = /```js receiver\n(.*?)```\n/s.exec(PAGE) ?? [];
    writeFileSync(join(directory, 'receiver.mjs'), code);
    service = await buildTestApp({ WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true' });
    admin = await person(service, { roles: ['admin'] });
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
    await service.close();
  });

  /** The example as a process of its own. */
  async function start(secret: string) {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [join(directory, 'receiver.mjs')], {
      env: { PATH, PORT: '0', WEBHOOK_SECRET: secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(child);
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await until('it listens', () => /listening on \d+/.test(said));
    return { url: `http://127.0.0.1:${/listening on (\d+)/.exec(said)?.[1]}/`, said: () => said };
  }

  it('takes what the service sends', async () => {
    const webhooks = openWebhooks(service.app);
    // Its secret is only known once the endpoint is there, and its port only once it runs.
    const made = await admin.call('POST', WEBHOOKS, { url: 'https://8.8.8.8/', events: ['user.created'] });
    const { webhook, secret } = made.json();
    const { url, said } = await start(secret);
    await admin.call('PATCH', `${WEBHOOKS}/${webhook.id}`, { url });
    webhooks.start();
    const { id } = await person(service);
    await until('it is delivered', async () => (await WebhookDelivery.countDocuments({ outcome: 'delivered' })) === 1);
    await until('it says so', () => said().includes(`user.created ${id}`));
    await webhooks.stop();
  });

  it('takes an event once, and nothing that is forged, altered or old', async () => {
    const secret = newWebhookSecret();
    const { url, said } = await start(secret);
    const body = JSON.stringify({ type: 'webhook.test', timestamp: 'now', data: { webhookId: 'w1' } });
    const send = async (headers: Record<string, string>, sent = body) =>
      (await fetch(url, { method: 'POST', headers, body: sent })).status;
    const good = signedHeaders('evt_1', new Date(), body, [newWebhookSecret(), secret]);
    expect([await send(good), await send(good)]).toEqual([204, 204]);
    await until('it says so', () => said().includes('webhook.test w1'));
    expect(said().split('webhook.test')).toHaveLength(2);
    const old = signedHeaders('evt_2', new Date(Date.now() - 6 * 60_000), body, [secret]);
    const forged = signedHeaders('evt_3', new Date(), body, [newWebhookSecret()]);
    const refused = [
      send(old),
      send(forged),
      send({ ...good, 'webhook-id': 'evt_4' }),
      send(good, `${body} `),
      send({}),
    ];
    expect(await Promise.all(refused)).toEqual(Array(5).fill(401));
  });
});
