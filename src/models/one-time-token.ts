import { createHash, randomBytes } from 'node:crypto';
import { type ClientSession, type InferSchemaType, model, Schema, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { openJson, seal } from './sensitive.ts';

/** What a token is good for; for anything else it is no token at all. */
export const TOKEN_PURPOSES = [
  'email-verification',
  'email-rejection',
  'email-change',
  'password-reset',
  'magic-link',
  'second-factor',
  'passkey-registration',
  'passkey-assertion',
  'identity-authorization',
  'team-invitation',
] as const;
export type TokenPurpose = (typeof TOKEN_PURPOSES)[number];

/** Secrets that work once: mailed links and codes, and the steps of a flow that must not be entered in the middle. */
const oneTimeTokenSchema = new Schema(
  {
    purpose: { type: String, enum: TOKEN_PURPOSES, required: true },
    hash: {
      type: String,
      required: true,
      maxlength: 43,
      kept: 'SHA-256 of the token, which has 256 random bits, so that no salt is needed.',
    },
    /** Whose it is; absent in a flow that has yet to find out who comes. */
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade' },
    /** What the flow goes on with, as JSON. */
    payload: { type: String, sensitive: 'When its flow goes on.' },
    /** Wrong codes given with it. */
    attempts: { type: Number, required: true },
    createdAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'one_time_tokens', versionKey: false },
);

oneTimeTokenSchema.index({ hash: 1 }, { name: 'idx_one_time_tokens_hash', unique: true });
oneTimeTokenSchema.index({ userId: 1, purpose: 1 }, { name: 'idx_one_time_tokens_user_id_purpose' });
oneTimeTokenSchema.index({ expiresAt: 1 }, { name: 'idx_one_time_tokens_expires_at', expireAfterSeconds: 0 });

export const OneTimeToken = model('OneTimeToken', oneTimeTokenSchema);

type TokenRecord = InferSchemaType<typeof oneTimeTokenSchema> & { _id: Types.ObjectId };

/** A token as it was found, with what its flow goes on with. */
export interface FoundToken<P> {
  readonly _id: Types.ObjectId;
  readonly userId: Types.ObjectId | undefined;
  readonly attempts: number;
  readonly payload: P;
}

interface NewToken {
  readonly purpose: TokenPurpose;
  readonly seconds: number;
  readonly userId?: Types.ObjectId;
  /** Kept encrypted; must survive JSON. */
  readonly payload?: object;
  /** Made beforehand by `newToken`, where its receiver gets it before it is stored. */
  readonly token?: string;
}

/** 256 random bits, as base64url. */
export const newToken = (): string => randomBytes(32).toString('base64url');

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Makes a token (43 characters, base64url) that only its receiver will ever hold: the database keeps its hash. */
export async function issueToken(tx: ClientSession | undefined, keyring: Keyring, wanted: NewToken): Promise<string> {
  const { token, stored } = tokenOf(keyring, wanted);
  await OneTimeToken.collection.insertOne(stored, { ...(tx && { session: tx }) });
  return token;
}

/** The same for two of them, in one command. */
export async function issueTokens(
  tx: ClientSession,
  keyring: Keyring,
  ...wanted: [NewToken, NewToken]
): Promise<[string, string]> {
  const [one, other] = [tokenOf(keyring, wanted[0]), tokenOf(keyring, wanted[1])];
  await OneTimeToken.collection.insertMany([one.stored, other.stored], { session: tx });
  return [one.token, other.token];
}

function tokenOf(keyring: Keyring, { purpose, seconds, userId, payload, token = newToken() }: NewToken) {
  const _id = new Types.ObjectId();
  const now = Date.now();
  const stored = {
    _id,
    purpose,
    hash: hashOf(token),
    ...(userId && { userId }),
    ...(payload && seal(keyring, OneTimeToken, _id, { payload })),
    attempts: 0,
    createdAt: new Date(now),
    expiresAt: new Date(now + seconds * 1000),
  };
  return { token, stored };
}

const live = (purpose: TokenPurpose, token: string) => ({
  hash: hashOf(token),
  purpose,
  // Compared here: a TTL index removes late.
  expiresAt: { $gt: new Date() },
});

/** A token that is still good for this purpose, left as it is. */
export async function findToken<P = object>(
  keyring: Keyring,
  purpose: TokenPurpose,
  token: string,
): Promise<FoundToken<P> | null> {
  return opened<P>(keyring, await OneTimeToken.findOne(live(purpose, token)).lean<TokenRecord>());
}

/** Takes a token out of the world: of several at once, one gets it. */
export async function consumeToken<P = object>(
  tx: ClientSession,
  keyring: Keyring,
  purpose: TokenPurpose,
  token: string,
): Promise<FoundToken<P> | null> {
  const taken = await OneTimeToken.findOneAndDelete(live(purpose, token), { session: tx }).lean<TokenRecord>();
  return opened<P>(keyring, taken);
}

function opened<P>(keyring: Keyring, record: TokenRecord | null): FoundToken<P> | null {
  if (!record) return null;
  const { _id, userId, attempts } = record;
  const payload = record.payload == null ? {} : openJson(keyring, OneTimeToken, record, 'payload');
  return { _id, userId: userId ?? undefined, attempts, payload: payload as P };
}

/**
 * Counts a try of a code that belongs to a token, before the code is compared: parallel tries never get more answers
 * than `max`. Outside of any transaction, since a failure must be remembered.
 * @returns whether this try may be answered
 */
export async function countAttempt(id: Types.ObjectId, max: number): Promise<boolean> {
  const counted = await OneTimeToken.updateOne({ _id: id, attempts: { $lt: max } }, { $inc: { attempts: 1 } });
  return counted.matchedCount === 1;
}

/**
 * Ends tokens of an account: all of them when its password, email or status changes, since what was mailed before
 * must not outlive that; those of one purpose when a newer one overtakes them.
 */
export async function revokeTokens(
  tx: ClientSession,
  userId: Types.ObjectId,
  purposes?: readonly TokenPurpose[],
): Promise<void> {
  await OneTimeToken.deleteMany({ userId, ...(purposes && { purpose: { $in: purposes } }) }, { session: tx });
}
