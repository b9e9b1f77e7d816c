import { type ClientSession, type InferSchemaType, model, Schema, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { SENT_EVENT_TYPES, type SentEventType } from '../lib/webhooks/catalogue.ts';
import { MAX_TRIES, pauseAfter } from '../lib/webhooks/retries.ts';
import { openText, seal } from './sensitive.ts';
import { announceAfter, KEPT_MS } from './webhook-event.ts';

export const DELIVERY_OUTCOMES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number];

/**
 * Whoever took a delivery has this long to try and say how it went; then it is anybody's again. A try is cut off after
 * half of it (TRY_TIMEOUT_MS), so that clocks of instances may differ by the other half.
 */
const LEASE_MS = 30_000;
export const TRY_TIMEOUT_MS = LEASE_MS / 2;

/** Of each delivery so many tries are shown, the newest: all of one round, and the end of the one before. */
const TRIES_SHOWN = 15;

const FAILURE_MAX_LENGTH = 64;

const trySchema = new Schema(
  {
    at: { type: Date, required: true },
    durationMs: { type: Number, required: true },
    /** HTTP status, where there was an answer. */
    status: { type: Number },
    /** Code of what was wrong, where something was. */
    failure: { type: String, maxlength: FAILURE_MAX_LENGTH },
  },
  { _id: false },
);

/** What one endpoint is told of one event, and how that goes. */
const webhookDeliverySchema = new Schema(
  {
    // Neither of these holds the other back: a delivery is kept until it expires, whatever becomes of them.
    webhookId: { type: Schema.Types.ObjectId, required: true },
    eventId: { type: Schema.Types.ObjectId, required: true },
    /** The account that the event is about. */
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade' },
    type: { type: String, enum: SENT_EVENT_TYPES, required: true },
    outcome: { type: String, enum: DELIVERY_OUTCOMES, required: true },
    /** Tries so far, of this round: asking for it again begins a new one. */
    attempts: { type: Number, required: true },
    /** When it is due to be tried; whoever tries moves it ahead, which is the lease. Absent once it is done. */
    dueAt: { type: Date },
    tries: { type: [trySchema], required: true },
    /** The beginning of the last refusal: a receiver may quote what it was sent. */
    refusal: { type: String, sensitive: 'For the list of deliveries.' },
    createdAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'webhook_deliveries', versionKey: false },
);

// Handing out an event twice makes no second delivery.
webhookDeliverySchema.index(
  { eventId: 1, webhookId: 1 },
  { name: 'idx_webhook_deliveries_event_id_webhook_id', unique: true },
);
webhookDeliverySchema.index(
  { webhookId: 1, dueAt: 1 },
  { name: 'idx_webhook_deliveries_webhook_id_due_at', partialFilterExpression: { dueAt: { $exists: true } } },
);
webhookDeliverySchema.index({ webhookId: 1, _id: 1 }, { name: 'idx_webhook_deliveries_webhook_id' });
webhookDeliverySchema.index(
  { webhookId: 1, outcome: 1, _id: 1 },
  { name: 'idx_webhook_deliveries_webhook_id_outcome' },
);
webhookDeliverySchema.index({ userId: 1, _id: 1 }, { name: 'idx_webhook_deliveries_user_id' });
webhookDeliverySchema.index({ expiresAt: 1 }, { name: 'idx_webhook_deliveries_expires_at', expireAfterSeconds: 0 });

export const WebhookDelivery = model('WebhookDelivery', webhookDeliverySchema);

export type WebhookDeliveryRecord = InferSchemaType<typeof webhookDeliverySchema> & { _id: Types.ObjectId };

/** The beginning of the last refusal. @throws DecryptionError when the keyring cannot open it */
export const openRefusal = (keyring: Keyring, delivery: WebhookDeliveryRecord): string | undefined =>
  delivery.refusal == null ? undefined : openText(keyring, WebhookDelivery, delivery, 'refusal');

/** What an endpoint is to be told of. */
interface ToldEvent {
  readonly _id: Types.ObjectId;
  readonly type: SentEventType;
  readonly userId?: Types.ObjectId | null | undefined;
}

/** Begins the deliveries of an event. They leave when the transaction has committed, and never if it does not. */
export async function enqueueDeliveries(
  tx: ClientSession,
  { _id: eventId, type, userId }: ToldEvent,
  webhookIds: readonly Types.ObjectId[],
): Promise<WebhookDeliveryRecord[]> {
  const now = new Date();
  const deliveries = webhookIds.map((webhookId) => ({
    _id: new Types.ObjectId(),
    webhookId,
    eventId,
    ...(userId && { userId }),
    type,
    outcome: 'pending' as const,
    attempts: 0,
    dueAt: now,
    tries: [],
    createdAt: now,
    expiresAt: new Date(now.getTime() + KEPT_MS),
  }));
  if (deliveries.length === 0) return [];
  announceAfter(tx);
  await WebhookDelivery.collection.insertMany(deliveries, { session: tx });
  return deliveries as unknown as WebhookDeliveryRecord[];
}

/** A delivery that somebody tries; nobody else does while the lease holds. */
export interface ClaimedDelivery
  extends Pick<WebhookDeliveryRecord, '_id' | 'webhookId' | 'eventId' | 'type' | 'attempts'> {
  /** The lease: its end. */
  readonly dueAt: Date;
}

/** What is due at an endpoint. Done deliveries have no `dueAt`, and the index leaves them out. */
const dueFor = (webhookId: Types.ObjectId, now: Date) => ({ webhookId, dueAt: { $exists: true, $lte: now } });

/** Takes the delivery to an endpoint that has been due the longest, for LEASE_MS. Of several at once, one gets it. */
export function claimDelivery(webhookId: Types.ObjectId, now = new Date()): Promise<ClaimedDelivery | null> {
  return WebhookDelivery.findOneAndUpdate(
    dueFor(webhookId, now),
    { $set: { dueAt: new Date(now.getTime() + LEASE_MS) }, $inc: { attempts: 1 } },
    {
      sort: { dueAt: 1 },
      returnDocument: 'after',
      projection: { webhookId: 1, eventId: 1, type: 1, attempts: 1, dueAt: 1 },
    },
  ).lean<ClaimedDelivery>();
}

/** Gives a delivery back as it was: nothing was tried, as its endpoint was disabled or removed meanwhile. */
export const releaseDelivery = (claimed: ClaimedDelivery): Promise<boolean> =>
  settle(claimed, { $set: { dueAt: new Date() }, $inc: { attempts: -1 } });

/** How a try went. */
export interface Try {
  readonly at: Date;
  readonly durationMs: number;
  readonly status?: number;
  readonly failure?: string;
}

const noted = (tried: Try) => ({ tries: { $each: [tried], $slice: -TRIES_SHOWN } });

/**
 * The endpoint took it.
 * @returns whether the lease still held; if not, somebody else may have delivered it as well
 */
export const markDelivered = (claimed: ClaimedDelivery, tried: Try): Promise<boolean> =>
  settle(claimed, {
    $set: { outcome: 'delivered' satisfies DeliveryOutcome },
    $push: noted(tried),
    $unset: { dueAt: 1, refusal: 1 },
  });

interface FailedTry extends Try {
  readonly failure: string;
  /** Another try would end in the same way. */
  readonly permanent?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly excerpt?: string | undefined;
}

/** The try failed: the next one comes later, or never if it was the last or would fail the same way. */
export async function markUndelivered(
  keyring: Keyring,
  claimed: ClaimedDelivery,
  { permanent = false, retryAfterMs, excerpt, ...tried }: FailedTry,
): Promise<'retried' | 'failed'> {
  const over = permanent || claimed.attempts >= MAX_TRIES;
  const next = new Date(Date.now() + pauseAfter(claimed.attempts, retryAfterMs));
  await settle(claimed, {
    $set: {
      ...(over ? { outcome: 'failed' satisfies DeliveryOutcome } : { dueAt: next }),
      ...(excerpt !== undefined && seal(keyring, WebhookDelivery, claimed._id, { refusal: excerpt })),
    },
    $push: noted({ ...tried, failure: tried.failure.slice(0, FAILURE_MAX_LENGTH) }),
    $unset: { ...(over && { dueAt: 1 }), ...(excerpt === undefined && { refusal: 1 }) },
  });
  return over ? 'failed' : 'retried';
}

/** Only while the lease holds: afterwards the record is somebody else's. */
async function settle(
  { _id, dueAt: lease }: ClaimedDelivery,
  update: Parameters<typeof WebhookDelivery.updateOne>[1],
): Promise<boolean> {
  const { matchedCount } = await WebhookDelivery.updateOne({ _id, dueAt: lease }, update);
  return matchedCount === 1;
}

/** For how long the delivery to an endpoint that has been due the longest has been due. */
export async function deliveryOverdueMs(webhookId: Types.ObjectId, now: Date, timeoutMS: number): Promise<number> {
  const longest = await WebhookDelivery.collection.findOne<{ dueAt: Date }>(dueFor(webhookId, now), {
    sort: { dueAt: 1 },
    projection: { dueAt: 1 },
    timeoutMS,
  });
  return longest ? now.getTime() - longest.dueAt.getTime() : 0;
}

export interface DeliveryPage {
  readonly deliveries: WebhookDeliveryRecord[];
  readonly next: string | null;
}

/** A page of the deliveries to an endpoint, newest first. */
export async function listDeliveries(
  webhookId: Types.ObjectId,
  outcome: DeliveryOutcome | undefined,
  limit: number,
  after?: string,
): Promise<DeliveryPage> {
  const read = await WebhookDelivery.find({
    webhookId,
    ...(outcome && { outcome }),
    ...(after !== undefined && { _id: { $lt: after } }),
  })
    .sort({ _id: -1 })
    .limit(limit + 1)
    .hint(outcome ? { webhookId: 1, outcome: 1, _id: 1 } : { webhookId: 1, _id: 1 })
    .lean<WebhookDeliveryRecord[]>();
  const deliveries = read.slice(0, limit);
  return { deliveries, next: read.length > limit ? (deliveries.at(-1)?._id.toHexString() ?? null) : null };
}

/**
 * Begins a delivery anew: the same event under the same id, now.
 * @throws {AppError} `not-found`
 */
export async function replayDelivery(
  tx: ClientSession,
  webhookId: Types.ObjectId,
  id: Types.ObjectId,
): Promise<WebhookDeliveryRecord> {
  const replayed = await WebhookDelivery.findOneAndUpdate(
    { _id: id, webhookId },
    { $set: { outcome: 'pending', attempts: 0, dueAt: new Date() } },
    { session: tx, returnDocument: 'after' },
  ).lean<WebhookDeliveryRecord>();
  if (!replayed) throw new AppError('not-found');
  announceAfter(tx);
  return replayed;
}
