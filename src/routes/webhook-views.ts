import type { Static } from 'typebox';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { WebhookError } from '../lib/webhooks/errors.ts';
import { readTarget, type TargetPolicy, targetAddresses } from '../lib/webhooks/target.ts';
import type { WebhookRecord } from '../models/webhook.ts';
import { openRefusal, type WebhookDeliveryRecord } from '../models/webhook-delivery.ts';
import type { Webhook, WebhookDelivery } from '../schemas/webhook.ts';

/** What resolves to nothing within this long is taken on trust: the same check is made before each delivery. */
const RESOLVE_TIMEOUT_MS = 2_000;

const DETAILS: Readonly<Record<string, string>> = {
  'invalid-url': 'must be an absolute URL',
  'https-required': 'must be an https URL',
  'credentials-in-url': 'must hold no user name or password: the signature says who calls',
  'private-address': 'must lead to the open internet, not to a private network or to this service’s own machine',
};

const refused = (code: string): AppError =>
  new AppError('validation-failed', { errors: [{ pointer: '/url', code, detail: DETAILS[code] ?? 'is not valid' }] });

/**
 * The URL as it is kept.
 * @throws {AppError} `validation-failed` for one that webhooks are not sent to
 */
export async function wantedTarget(input: string, policy: TargetPolicy): Promise<string> {
  const read = readTarget(input, policy);
  if ('problem' in read) throw refused(read.problem);
  if (policy.allowPrivate) return read.url;
  const slow = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new WebhookError('unresolvable')), RESOLVE_TIMEOUT_MS).unref();
  });
  try {
    await Promise.race([targetAddresses(new URL(read.url), policy), slow]);
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    if (error.code === 'private-address') throw refused(error.code);
  }
  return read.url;
}

const time = (at: Date | null | undefined): string | undefined => at?.toISOString();

export function webhookView(webhook: WebhookRecord, now = new Date()): Static<typeof Webhook> {
  const { previousSecretUntil: until } = webhook;
  return {
    id: webhook._id.toHexString(),
    url: webhook.url,
    description: webhook.description ?? undefined,
    events: webhook.events,
    enabled: webhook.enabled,
    disabledReason: webhook.disabledReason ?? undefined,
    failingSince: time(webhook.failingSince),
    previousSecretUntil: until && until > now ? time(until) : undefined,
    createdAt: webhook.createdAt.toISOString(),
    updatedAt: webhook.updatedAt.toISOString(),
  } as Static<typeof Webhook>;
}

export function deliveryView(keyring: Keyring, delivery: WebhookDeliveryRecord): Static<typeof WebhookDelivery> {
  return {
    id: delivery._id.toHexString(),
    eventId: `evt_${delivery.eventId.toHexString()}`,
    type: delivery.type,
    outcome: delivery.outcome,
    attempts: delivery.attempts,
    tries: delivery.tries.map(({ at, durationMs, status, failure }) => ({
      at: at.toISOString(),
      durationMs,
      status: status ?? undefined,
      failure: failure ?? undefined,
    })),
    excerpt: openRefusal(keyring, delivery),
    dueAt: time(delivery.dueAt),
    createdAt: delivery.createdAt.toISOString(),
  } as Static<typeof WebhookDelivery>;
}
