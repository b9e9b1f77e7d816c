import { type ClientSession, type InferSchemaType, model, Schema, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { MAIL_TEMPLATES, type Mail, type Notice } from '../lib/mail/messages.ts';
import type { AuditOrigin } from './audit-event.ts';

/** Mail that is nobody's account's any more, or could not be delivered, is kept for so long. */
const KEPT_MS = 7 * 86_400_000;

/** Mail to deliver, written in the transaction of the change that it tells of, so that neither is without the other. */
const outboxSchema = new Schema(
  {
    template: { type: String, enum: MAIL_TEMPLATES, required: true },
    userId: { type: Schema.Types.ObjectId, ref: 'User' },
    /** The mail as JSON, encrypted: addressee and links are in it. */
    message: { type: String, required: true },
    /** Tries so far. */
    attempts: { type: Number, required: true },
    /** When it is due to be tried; a worker moves it ahead while it tries, which is its lease. Absent once it is done. */
    dueAt: { type: Date },
    createdAt: { type: Date, required: true },
    sentAt: { type: Date },
    /** Given up, with the last error's code. */
    failedAt: { type: Date },
    failure: { type: String, maxlength: 200 },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'outbox', versionKey: false },
);

outboxSchema.index({ dueAt: 1 }, { name: 'idx_outbox_due_at', partialFilterExpression: { dueAt: { $exists: true } } });
outboxSchema.index({ userId: 1, _id: 1 }, { name: 'idx_outbox_user_id' });
outboxSchema.index({ expiresAt: 1 }, { name: 'idx_outbox_expires_at', expireAfterSeconds: 0 });

export const Outbox = model('Outbox', outboxSchema);

export type OutboxRecord = InferSchemaType<typeof outboxSchema> & { _id: Types.ObjectId };

const placeOf = (id: Types.ObjectId) => ({ collection: 'outbox', record: id.toHexString(), field: 'message' });

/** What a mail tells its reader of an act: it may not have been theirs. */
export const noticeOf = ({ ip, userAgent }: AuditOrigin): Notice => ({
  at: new Date().toISOString(),
  ...(ip !== undefined && { ip }),
  ...(userAgent !== undefined && { userAgent }),
});

/** Puts a mail into the outbox. It leaves when the transaction has committed, and never if it does not. */
export async function enqueueMail(
  tx: ClientSession,
  keyring: Keyring,
  mail: Mail,
  userId?: Types.ObjectId,
): Promise<void> {
  const _id = new Types.ObjectId();
  const now = new Date();
  await Outbox.collection.insertOne(
    {
      _id,
      template: mail.template,
      ...(userId && { userId }),
      message: keyring.encrypt(JSON.stringify(mail), placeOf(_id)),
      attempts: 0,
      dueAt: now,
      createdAt: now,
      expiresAt: new Date(now.getTime() + KEPT_MS),
    },
    { session: tx },
  );
}

/** The mail of a record. @throws DecryptionError when the keyring cannot open it */
export const mailOf = (keyring: Keyring, { _id, message }: Pick<OutboxRecord, '_id' | 'message'>): Mail =>
  JSON.parse(keyring.decrypt(message, placeOf(_id)).toString()) as Mail;
