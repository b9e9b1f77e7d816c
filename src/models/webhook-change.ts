import { type ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { WebhookEventType } from '../lib/webhooks/catalogue.ts';
import { newWebhookSecret } from '../lib/webhooks/signature.ts';
import { type AuditAction, type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { openText, seal } from './sensitive.ts';
import { onRevision, type Precondition } from './user-account.ts';
import { findWebhook, Webhook, type WebhookRecord } from './webhook.ts';
import { enqueueDeliveries, replayDelivery, type WebhookDeliveryRecord } from './webhook-delivery.ts';
import { recordTestEvent } from './webhook-event.ts';
import { forgetSubscriptionsAfter } from './webhook-subscriptions.ts';

/** What an admin chooses about an endpoint. */
export interface WebhookChoice {
  readonly url: string;
  readonly description?: string | null;
  readonly events: readonly WebhookEventType[];
  readonly enabled: boolean;
}

/** An endpoint with the secret that its owner is shown once. */
export interface WithSecret {
  readonly webhook: WebhookRecord;
  readonly secret: string;
}

const act = (
  tx: ClientSession,
  origin: AuditOrigin,
  action: AuditAction,
  id: Types.ObjectId,
  changes?: readonly string[],
): Promise<void> =>
  recordAuditEvent(tx, origin, { action, target: { collection: 'webhooks', id }, ...(changes && { changes }) });

export async function createWebhook(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  { url, description, events, enabled }: WebhookChoice,
): Promise<WithSecret> {
  const _id = new Types.ObjectId();
  const now = new Date();
  const secret = newWebhookSecret();
  const webhook = {
    _id,
    url,
    ...(description != null && { description }),
    events: [...events],
    ...seal(keyring, Webhook, _id, { secret }),
    enabled,
    createdAt: now,
    updatedAt: now,
    revision: 1,
  };
  await Webhook.collection.insertOne(webhook, { session: tx });
  forgetSubscriptionsAfter(tx);
  await act(tx, origin, 'webhook.created', _id);
  return { webhook: webhook as unknown as WebhookRecord, secret };
}

/**
 * Changes what is given. Enabling an endpoint forgives what it failed at before; what waited for it is tried again.
 * @throws {AppError} `not-found`, `precondition-failed`
 */
export async function updateWebhook(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  choice: Partial<WebhookChoice>,
  precondition?: Precondition,
): Promise<WebhookRecord> {
  const { description, ...others } = choice;
  const forgiven = choice.enabled === undefined ? {} : { disabledReason: 1, failingSince: 1 };
  const webhook = await Webhook.findOneAndUpdate(
    { _id: id, ...onRevision(precondition) },
    {
      $set: { ...others, ...(description != null && { description }), updatedAt: new Date() },
      $unset: { ...(description === null && { description: 1 }), ...forgiven },
      $inc: { revision: 1 },
    },
    { session: tx, returnDocument: 'after' },
  ).lean<WebhookRecord>();
  if (!webhook) throw await whyNotFound(tx, id);
  forgetSubscriptionsAfter(tx);
  await act(tx, origin, 'webhook.updated', id, Object.keys(choice));
  return webhook;
}

/** An endpoint that is there has another revision than the change was based on. */
async function whyNotFound(tx: ClientSession, id: Types.ObjectId): Promise<AppError> {
  await findWebhook(id, tx);
  return new AppError('precondition-failed');
}

/**
 * Removes an endpoint: what waits for it is not sent any more, and goes by its time.
 * @throws {AppError} `not-found`, `precondition-failed`
 */
export async function deleteWebhook(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  precondition?: Precondition,
): Promise<void> {
  const { deletedCount } = await Webhook.deleteOne({ _id: id, ...onRevision(precondition) }, { session: tx });
  if (deletedCount === 0) throw await whyNotFound(tx, id);
  forgetSubscriptionsAfter(tx);
  await act(tx, origin, 'webhook.deleted', id);
}

/**
 * Gives an endpoint a new secret. The one before signs as well for `overlapMs`, so that the receiver can change over
 * without losing anything; one before that does not any more.
 * @throws {AppError} `not-found`
 */
export async function rotateWebhookSecret(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  { id, overlapMs }: { readonly id: Types.ObjectId; readonly overlapMs: number },
): Promise<WithSecret> {
  const before = await findWebhook(id, tx);
  const [now, secret] = [new Date(), newWebhookSecret()];
  // The ciphertext is bound to its field, so the old one is sealed anew for the other.
  const previous = () => seal(keyring, Webhook, id, { previousSecret: openText(keyring, Webhook, before, 'secret') });
  const webhook = await Webhook.findOneAndUpdate(
    { _id: id, secret: before.secret },
    {
      $set: {
        ...seal(keyring, Webhook, id, { secret }),
        ...(overlapMs > 0 && { ...previous(), previousSecretUntil: new Date(now.getTime() + overlapMs) }),
        updatedAt: now,
      },
      $unset: overlapMs > 0 ? {} : { previousSecret: 1, previousSecretUntil: 1 },
      $inc: { revision: 1 },
    },
    { session: tx, returnDocument: 'after' },
  ).lean<WebhookRecord>();
  // Within one transaction nothing changes in between but what makes it conflict, and run again.
  if (!webhook) throw new AppError('not-found');
  await act(tx, origin, 'webhook.secret-rotated', id);
  return { webhook, secret };
}

/** @throws {AppError} `webhook-disabled`: nothing would be sent, and whoever asks would wait for it */
function assertEnabled({ enabled }: WebhookRecord): void {
  if (!enabled) throw new AppError('webhook-disabled');
}

/**
 * Sends an endpoint an event that tells of nothing.
 * @throws {AppError} `not-found`, `webhook-disabled`
 */
export async function testWebhook(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  id: Types.ObjectId,
): Promise<WebhookDeliveryRecord> {
  assertEnabled(await findWebhook(id, tx));
  const event = await recordTestEvent(tx, keyring, id);
  const [delivery] = await enqueueDeliveries(tx, event, [id]);
  if (!delivery) throw new Error('one endpoint has one delivery');
  await act(tx, origin, 'webhook.tested', id);
  return delivery;
}

/**
 * Sends an endpoint an event again, whatever became of it before.
 * @throws {AppError} `not-found`, `webhook-disabled`
 */
export async function replayToWebhook(
  tx: ClientSession,
  origin: AuditOrigin,
  { id, deliveryId }: { readonly id: Types.ObjectId; readonly deliveryId: Types.ObjectId },
): Promise<WebhookDeliveryRecord> {
  assertEnabled(await findWebhook(id, tx));
  const delivery = await replayDelivery(tx, id, deliveryId);
  await act(tx, origin, 'webhook.replayed', id);
  return delivery;
}
