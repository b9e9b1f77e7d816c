import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { WebhookDispatcher } from '../../src/jobs/deliver-webhooks.ts';
import { createMetrics } from '../../src/metrics.ts';
import { Outbox } from '../../src/models/outbox.ts';
import { Webhook } from '../../src/models/webhook.ts';
import {
  type DeliveryOutcome,
  WebhookDelivery,
  type WebhookDeliveryRecord,
} from '../../src/models/webhook-delivery.ts';
import { WebhookEvent } from '../../src/models/webhook-event.ts';
import { forgetSubscriptions } from '../../src/models/webhook-subscriptions.ts';
import { userView } from '../../src/routes/representations.ts';
import { buildTestApp, freshDatabaseUri, type TestApp } from './app.ts';
import { stopTheClock } from './clock.ts';
import { DatabaseProxy } from './database-proxy.ts';
import { type Person, person, signIn } from './people.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

const SOON_MS = 20;
const DAY_MS = 86_400_000;

const WEBHOOKS = '/v1/admin/webhooks';

export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}

interface Worker {
  readonly dispatcher: WebhookDispatcher;
  /** What it has logged. */
  readonly lines: string[];
  /** How many tries ended so. */
  readonly count: (outcome: string) => Promise<number>;
}

type DispatcherOptions = ConstructorParameters<typeof WebhookDispatcher>[0];

/** The only delivery. */
export async function onlyDelivery(): Promise<WebhookDeliveryRecord> {
  const [delivery, ...more] = await WebhookDelivery.find().lean<WebhookDeliveryRecord[]>();
  if (!delivery || more.length > 0) throw new Error('not one delivery');
  return delivery;
}

/** Whether the only delivery has been tried that often. */
export const isTried =
  (times = 1) =>
  async (): Promise<boolean> =>
    (await WebhookDelivery.countDocuments({ tries: { $size: times } })) === 1;

/** Whether as many deliveries went so. */
export const areDone =
  (outcome: DeliveryOutcome, count = 1) =>
  async (): Promise<boolean> =>
    (await WebhookDelivery.countDocuments({ outcome })) === count;

/**
 * For the tests of a file: a stopped clock, a service whose endpoints may be on this machine and are removed after each
 * test, and receivers and dispatchers that end with it.
 */
export function useWebhooks() {
  stopTheClock();
  let proxy: DatabaseProxy;
  let service: TestApp;
  let admin: Person;
  const opened: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    proxy = await DatabaseProxy.open(freshDatabaseUri());
    service = await buildTestApp({ MONGODB_URI: proxy.uri, WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true' });
    admin = await person(service, { roles: ['admin'] });
  });
  // Tests let days pass.
  beforeEach(async () => {
    admin = await signIn(service, admin.email);
  });
  afterEach(async () => {
    proxy.mend();
    for (const close of opened.splice(0)) await close();
    await Promise.all([Webhook, WebhookDelivery, WebhookEvent, Outbox].map((model) => model.deleteMany({} as never)));
    forgetSubscriptions();
  });
  afterAll(async () => {
    await service.close();
    proxy.close();
  }, 120_000);

  const worker = (options: Partial<DispatcherOptions> = {}): Worker => {
    const lines: string[] = [];
    const say = (_fields: unknown, message = '') => void lines.push(message);
    const metrics = createMetrics(service.deps);
    const dispatcher = new WebhookDispatcher({
      keyring: service.deps.keyring,
      targets: { allowPrivate: true },
      viewOfUser: userView,
      patienceMs: 5 * DAY_MS,
      log: { info: say, warn: say, error: say } as never,
      metrics,
      pollMs: SOON_MS,
      ...options,
    });
    dispatcher.start();
    opened.unshift(() => dispatcher.stop());
    const count = async (outcome: string) =>
      (await metrics.webhooks.get()).values
        .filter(({ labels }) => labels.outcome === outcome)
        .reduce((sum, { value }) => sum + value, 0);
    return { dispatcher, lines, count };
  };

  return {
    /** Between the service and its database. */
    proxy: () => proxy,
    service: () => service,
    admin: () => admin,
    worker,

    async receiver(host?: string): Promise<WebhookReceiver> {
      const receiver = await WebhookReceiver.open(host);
      opened.push(() => receiver.close());
      return receiver;
    },

    /** Makes an endpoint as an admin does. */
    async endpoint(url: string, events: readonly string[] = []): Promise<Endpoint> {
      const response = await admin.call('POST', WEBHOOKS, { url, events });
      if (response.statusCode !== 201) throw new Error(`answered ${response.statusCode}: ${response.body}`);
      const { webhook, secret } = response.json();
      return { id: webhook.id, url: `${WEBHOOKS}/${webhook.id}`, secret };
    },

    /** Something that an endpoint hears of: an admin changes the name of an account. */
    async change(who: Pick<Person, 'id'>, firstName = 'Ada'): Promise<void> {
      const response = await admin.call('PATCH', `/v1/admin/users/${who.id}`, { firstName });
      if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${response.body}`);
    },
  };
}
