import { EventEmitter } from 'node:events';
import { type ClientSession, type InferSchemaType, model, Schema, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { MAIL_TEMPLATES, type Mail } from '../lib/mail/messages.ts';
import { MAX_TRIES, pauseAfter } from '../lib/mail/retries.ts';
import { openJson, seal } from './sensitive.ts';

/** Mail that is nobody's account's any more, or could not be delivered, is kept for so long. */
const KEPT_MS = 7 * 86_400_000;

/**
 * Whoever took a mail has this long to deliver it and say so; then it is anybody's again. A try is cut off after half
 * of it (SEND_TIMEOUT_MS), so that clocks of instances may differ by the other half.
 */
const LEASE_MS = 120_000;
export const SEND_TIMEOUT_MS = LEASE_MS / 2;

/** What a scrape of metrics may wait for. */
const OVERDUE_TIMEOUT_MS = 1_000;

const FAILURE_MAX_LENGTH = 200;

/** Mail to deliver, written in the transaction of the change that it tells of, so that neither is without the other. */
const outboxSchema = new Schema(
  {
    template: { type: String, enum: MAIL_TEMPLATES, required: true },
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade' },
    /** The mail as JSON: addressee and links are in it. */
    message: { type: String, required: true, sensitive: 'When it is tried.' },
    /** Tries so far. */
    attempts: { type: Number, required: true },
    /** When it is due to be tried; a worker moves it ahead while it tries, which is its lease. Absent once it is done. */
    dueAt: { type: Date },
    createdAt: { type: Date, required: true },
    sentAt: { type: Date },
    /** Given up. */
    failedAt: { type: Date },
    /** Code of the last try's error. */
    failure: { type: String, maxlength: FAILURE_MAX_LENGTH },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'outbox', versionKey: false },
);

outboxSchema.index({ dueAt: 1 }, { name: 'idx_outbox_due_at', partialFilterExpression: { dueAt: { $exists: true } } });
outboxSchema.index({ userId: 1, _id: 1 }, { name: 'idx_outbox_user_id' });
outboxSchema.index({ expiresAt: 1 }, { name: 'idx_outbox_expires_at', expireAfterSeconds: 0 });

export const Outbox = model('Outbox', outboxSchema);

export type OutboxRecord = InferSchemaType<typeof outboxSchema> & { _id: Types.ObjectId };

const queued = new EventEmitter();

/** The transaction has committed or not; looking is cheaper than knowing. */
const announce = (): void => void queued.emit('mail');

/** Calls `listener` when this process may have put mail into the outbox. Returns how to stop. */
export function onMailQueued(listener: () => void): () => void {
  queued.on('mail', listener);
  return () => queued.off('mail', listener);
}

/** Puts a mail into the outbox. It leaves when the transaction has committed, and never if it does not. */
export async function enqueueMail(
  tx: ClientSession,
  keyring: Keyring,
  mail: Mail,
  userId?: Types.ObjectId,
): Promise<void> {
  const _id = new Types.ObjectId();
  const now = new Date();
  if (!tx.listeners('ended').includes(announce)) tx.once('ended', announce);
  await Outbox.collection.insertOne(
    {
      _id,
      template: mail.template,
      ...(userId && { userId }),
      ...seal(keyring, Outbox, _id, { message: mail }),
      attempts: 0,
      dueAt: now,
      createdAt: now,
      expiresAt: new Date(now.getTime() + KEPT_MS),
    },
    { session: tx },
  );
}

/** The mail of a record. @throws DecryptionError when the keyring cannot open it */
export const mailOf = (keyring: Keyring, record: Pick<OutboxRecord, '_id' | 'message'>): Mail =>
  openJson(keyring, Outbox, record, 'message') as Mail;

/** A mail that somebody delivers; nobody else does while the lease holds. */
export interface ClaimedMail extends Pick<OutboxRecord, '_id' | 'template' | 'message' | 'attempts' | 'createdAt'> {
  /** The lease: its end. */
  readonly dueAt: Date;
}

/** What is due. Done mail has no `dueAt`, and the index leaves it out: it serves a query that says so, too. */
const dueBy = (now: Date) => ({ dueAt: { $exists: true, $lte: now } });

/** Takes the mail that has been due the longest, for LEASE_MS. Of several at once, one gets it. */
export function claimMail(now = new Date()): Promise<ClaimedMail | null> {
  return Outbox.findOneAndUpdate(
    dueBy(now),
    { $set: { dueAt: new Date(now.getTime() + LEASE_MS) }, $inc: { attempts: 1 } },
    {
      sort: { dueAt: 1 },
      returnDocument: 'after',
      projection: { template: 1, message: 1, attempts: 1, createdAt: 1, dueAt: 1 },
    },
  ).lean<ClaimedMail>();
}

/**
 * The mail is delivered.
 * @returns whether the lease still held; if not, somebody else may have delivered it as well
 */
export const markSent = (claimed: ClaimedMail): Promise<boolean> =>
  settle(claimed, { $set: { sentAt: new Date() }, $unset: { dueAt: 1, failure: 1 } });

/** The try failed with that code: the next one comes later, or never if it was the last or would fail the same way. */
export async function markFailed(
  claimed: ClaimedMail,
  { code, permanent }: { readonly code: string; readonly permanent: boolean },
): Promise<'retried' | 'failed'> {
  const now = new Date();
  const failure = code.slice(0, FAILURE_MAX_LENGTH);
  const over = permanent || claimed.attempts >= MAX_TRIES;
  await settle(
    claimed,
    over
      ? { $set: { failure, failedAt: now }, $unset: { dueAt: 1 } }
      : { $set: { failure, dueAt: new Date(now.getTime() + pauseAfter(claimed.attempts)) } },
  );
  return over ? 'failed' : 'retried';
}

/** Only while the lease holds: afterwards the record is somebody else's. */
async function settle({ _id, dueAt }: ClaimedMail, update: Parameters<typeof Outbox.updateOne>[1]): Promise<boolean> {
  const { matchedCount } = await Outbox.updateOne({ _id, dueAt }, update);
  return matchedCount === 1;
}

/** For how long the mail that has been due the longest has been due. Mail that waits for its next try is not due. */
export async function overdueMs(now = new Date()): Promise<number> {
  const longest = await Outbox.collection.findOne<{ dueAt: Date }>(dueBy(now), {
    sort: { dueAt: 1 },
    projection: { dueAt: 1 },
    timeoutMS: OVERDUE_TIMEOUT_MS,
  });
  return longest ? now.getTime() - longest.dueAt.getTime() : 0;
}
