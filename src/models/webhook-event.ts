import { EventEmitter } from 'node:events';
import { type ClientSession, type InferSchemaType, model, Schema, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { SENT_EVENT_TYPES, type SentEventType, TEST_EVENT, type WebhookEventType } from '../lib/webhooks/catalogue.ts';
import type { AuditAction, AuditEventInput, AuditOrigin } from './audit-event.ts';
import { openText, seal } from './sensitive.ts';
import { wantedOf } from './webhook-subscriptions.ts';

/** Events and their deliveries are kept for so long, to be looked at and sent again. */
export const KEPT_MS = 30 * 86_400_000;

/**
 * What happened and somebody wants to hear of, written in the transaction in which it happened, so that neither is
 * without the other. What it says is composed once, when it is handed out to the endpoints.
 */
const webhookEventSchema = new Schema(
  {
    type: { type: String, enum: SENT_EVENT_TYPES, required: true },
    /** The account that it is about. */
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade' },
    sessionId: { type: Schema.Types.ObjectId },
    /** Paths that changed, without their values. */
    changes: { type: [{ type: String, maxlength: 100 }], default: undefined },
    at: { type: Date, required: true },
    /** What is sent, as JSON. Absent until it is handed out. */
    payload: { type: String, sensitive: 'At each try.' },
    /** When it is due to be handed out; moved ahead by whoever does so, which is the lease. Absent afterwards. */
    dueAt: { type: Date },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'webhook_events', versionKey: false },
);

webhookEventSchema.index(
  { dueAt: 1 },
  { name: 'idx_webhook_events_due_at', partialFilterExpression: { dueAt: { $exists: true } } },
);
webhookEventSchema.index({ userId: 1, _id: 1 }, { name: 'idx_webhook_events_user_id' });
webhookEventSchema.index({ expiresAt: 1 }, { name: 'idx_webhook_events_expires_at', expireAfterSeconds: 0 });

export const WebhookEvent = model('WebhookEvent', webhookEventSchema);

export type WebhookEventRecord = InferSchemaType<typeof webhookEventSchema> & { _id: Types.ObjectId };

export const sealPayload = (keyring: Keyring, id: Types.ObjectId, payload: object): { payload: string } =>
  seal(keyring, WebhookEvent, id, { payload });

/** What is sent, to the byte. @throws DecryptionError when the keyring cannot open it */
export const openPayload = (keyring: Keyring, event: Pick<WebhookEventRecord, '_id' | 'payload'>): string =>
  openText(keyring, WebhookEvent, event, 'payload');

/** Which acts of the audit trail others hear of, and as what. */
const EVENT_OF: Readonly<Partial<Record<AuditAction, WebhookEventType>>> = Object.freeze({
  'user.created': 'user.created',
  'user.imported': 'user.created',
  'user.updated': 'user.updated',
  'user.roles-changed': 'user.roles-changed',
  'user.deleted': 'user.deleted',
  'user.rejected': 'user.deleted',
  'user.suspended': 'user.suspended',
  'user.reactivated': 'user.reactivated',
  'user.restored': 'user.restored',
  'user.deactivated': 'user.deactivated',
  'user.purged': 'user.purged',
  'user.password-changed': 'user.password-changed',
  'user.password-reset': 'user.password-changed',
  'user.email-verified': 'user.email-verified',
  'user.reclaimed': 'user.email-verified',
  'user.email-changed': 'user.email-changed',
  'factor.added': 'factor.added',
  'factor.removed': 'factor.removed',
  'identity.linked': 'identity.linked',
  'identity.unlinked': 'identity.unlinked',
  'session.created': 'session.created',
  'session.ended': 'session.ended',
  'session.reused': 'session.ended',
});

const emitter = new EventEmitter();

/** The transaction has committed or not; looking is cheaper than knowing. */
const announce = (): void => void emitter.emit('event');

/** Calls `listener` when this process may have recorded what has to be delivered. Returns how to stop. */
export function onWebhookEvent(listener: () => void): () => void {
  emitter.on('event', listener);
  return () => emitter.off('event', listener);
}

export function announceAfter(tx: ClientSession): void {
  if (!tx.listeners('ended').includes(announce)) tx.once('ended', announce);
}

/**
 * Records what others want to hear of among the acts of a transaction. Called for each of the audit trail's events, so
 * that no change can forget it. What failed or was denied has changed nothing, but for the reuse of a refresh token,
 * which is denied and ends the session.
 */
export async function recordWebhookEvents(
  tx: ClientSession | undefined,
  { actor }: AuditOrigin,
  acts: readonly AuditEventInput[],
): Promise<void> {
  if (!tx) return;
  const happened = acts.flatMap(({ action, outcome = 'success', target, changes }) => {
    const type = EVENT_OF[action];
    if (!type || (outcome !== 'success' && action !== 'session.reused')) return [];
    const ofSession = target.collection === 'sessions';
    return [
      {
        type,
        // A session is ended in the name of its owner.
        userId: ofSession ? actor.id : target.id,
        ...(ofSession && { sessionId: target.id }),
        ...(changes && { changes: [...changes] }),
      },
    ];
  });
  const wanted = await wantedOf(happened);
  if (wanted.length === 0) return;
  const at = new Date();
  const times = { at, dueAt: at, expiresAt: new Date(at.getTime() + KEPT_MS) };
  announceAfter(tx);
  await WebhookEvent.collection.insertMany(
    wanted.map((event) => ({ ...event, ...times })),
    { session: tx, ignoreUndefined: true },
  );
}

/** Records an event that only tells an endpoint that it can be reached. */
export async function recordTestEvent(tx: ClientSession, keyring: Keyring, webhookId: Types.ObjectId) {
  const _id = new Types.ObjectId();
  const at = new Date();
  const payload = { type: TEST_EVENT, timestamp: at.toISOString(), data: { webhookId: webhookId.toHexString() } };
  const event = {
    _id,
    type: TEST_EVENT as SentEventType,
    at,
    ...sealPayload(keyring, _id, payload),
    expiresAt: new Date(at.getTime() + KEPT_MS),
  };
  await WebhookEvent.collection.insertOne(event, { session: tx });
  return event;
}
