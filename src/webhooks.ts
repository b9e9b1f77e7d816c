import { WebhookDispatcher } from './jobs/deliver-webhooks.ts';
import { deliveryOverdueMs } from './models/webhook-delivery.ts';
import { handOutOverdueMs } from './models/webhook-fan-out.ts';
import { readSubscriptions } from './models/webhook-subscriptions.ts';
import { userView } from './routes/representations.ts';
import type { App } from './types/fastify.ts';

const DAY_MS = 86_400_000;

/** What a scrape of metrics may wait for. */
const OVERDUE_TIMEOUT_MS = 1_000;

/** Nothing leaves before `start`. */
export function openWebhooks({ config, deps, metrics, log }: App): WebhookDispatcher {
  metrics.watchAge('webhooks', overdueMs);
  return new WebhookDispatcher({
    keyring: deps.keyring,
    targets: { allowPrivate: config.WEBHOOK_ALLOW_PRIVATE_ADDRESSES },
    viewOfUser: userView,
    patienceMs: config.WEBHOOK_DISABLE_AFTER_DAYS * DAY_MS,
    log,
    metrics,
  });
}

/** For how long what has been due the longest has been due; a disabled endpoint is owed nothing. */
export async function overdueMs(now = new Date()): Promise<number> {
  const enabled = await readSubscriptions();
  const waits = await Promise.all([
    handOutOverdueMs(now, OVERDUE_TIMEOUT_MS),
    ...enabled.map(({ _id }) => deliveryOverdueMs(_id, now, OVERDUE_TIMEOUT_MS)),
  ]);
  return Math.max(...waits);
}
