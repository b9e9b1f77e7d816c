import { type ClientSession, type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { WEBHOOK_EVENT_TYPES } from '../lib/webhooks/catalogue.ts';
import { TARGET_MAX_LENGTH } from '../lib/webhooks/target.ts';
import { openText } from './sensitive.ts';

/** Why the service itself turned an endpoint off: nothing arrived for days, or it answered 410. */
export const WEBHOOK_DISABLED_REASONS = ['failing', 'gone'] as const;
export type WebhookDisabledReason = (typeof WEBHOOK_DISABLED_REASONS)[number];

export const WEBHOOK_LIMITS = Object.freeze({ url: TARGET_MAX_LENGTH, description: 200 });

/** An endpoint of another service that hears of what happens here. */
const webhookSchema = new Schema(
  {
    url: { type: String, required: true, maxlength: WEBHOOK_LIMITS.url },
    description: { type: String, maxlength: WEBHOOK_LIMITS.description },
    /** What it hears of. Empty: of everything, of what is yet to be invented too. */
    events: { type: [{ type: String, enum: WEBHOOK_EVENT_TYPES }], required: true },
    /** Signs. */
    secret: { type: String, required: true, sensitive: 'At each delivery.' },
    /** The one before: signs as well until then. */
    previousSecret: { type: String, sensitive: 'At each delivery, while it signs as well.' },
    previousSecretUntil: { type: Date },
    enabled: { type: Boolean, required: true },
    /** Absent where an admin disabled it. */
    disabledReason: { type: String, enum: WEBHOOK_DISABLED_REASONS },
    /** Since when every try has failed. Absent while the last one that ended was a success. */
    failingSince: { type: Date },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    /** Moves with each change, also of what a reader is not shown; the ETag is made of it. */
    revision: { type: Number, required: true },
  },
  { collection: 'webhooks', versionKey: false },
);

webhookSchema.index({ enabled: 1, _id: 1 }, { name: 'idx_webhooks_enabled' });

export const Webhook = model('Webhook', webhookSchema);

export type WebhookRecord = InferSchemaType<typeof webhookSchema> & { _id: Types.ObjectId };

/** @throws {AppError} `not-found` */
export async function findWebhook(id: Types.ObjectId, tx?: ClientSession): Promise<WebhookRecord> {
  const webhook = await Webhook.findById(id)
    .session(tx ?? null)
    .lean<WebhookRecord>();
  if (!webhook) throw new AppError('not-found');
  return webhook;
}

export interface WebhookPage {
  readonly webhooks: WebhookRecord[];
  readonly next: string | null;
}

/** A page of endpoints, newest first. */
export async function listWebhooks(limit: number, after?: string): Promise<WebhookPage> {
  const read = await Webhook.find(after === undefined ? {} : { _id: { $lt: after } })
    .sort({ _id: -1 })
    .limit(limit + 1)
    .hint({ _id: 1 })
    .lean<WebhookRecord[]>();
  const webhooks = read.slice(0, limit);
  return { webhooks, next: read.length > limit ? (webhooks.at(-1)?._id.toHexString() ?? null) : null };
}

/**
 * The secrets that sign for an endpoint at that time, the newest first.
 * @throws DecryptionError when the keyring cannot open one
 */
export function signingSecrets(keyring: Keyring, webhook: WebhookRecord, at: Date): string[] {
  const { previousSecret, previousSecretUntil } = webhook;
  const current = openText(keyring, Webhook, webhook, 'secret');
  if (previousSecret == null || previousSecretUntil == null || previousSecretUntil <= at) return [current];
  return [current, openText(keyring, Webhook, webhook, 'previousSecret')];
}
