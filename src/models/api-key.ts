import { type ClientSession, type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { MintedApiKey } from '../lib/api-key.ts';
import type { Permission } from '../lib/permissions.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { AUTHENTICATION_METHODS, type AuthenticationMethod } from './session.ts';
import { type Role, SIGN_IN_STATUSES, User, type UserStatus } from './user.ts';
import { onRevision, type Precondition } from './user-account.ts';

export const API_KEY_LIMITS = Object.freeze({ name: 100, prefix: 16, hash: 43, permission: 64 });

/** A use is noted if the last one that was is older than this: a busy key costs one write a minute, not one a request. */
export const USE_NOTED_MS = 60_000;

const apiKeySchema = new Schema(
  {
    /** Whoever made it. What it may do never goes beyond what this account may do at the time. */
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    name: { type: String, required: true, maxlength: API_KEY_LIMITS.name },
    prefix: { type: String, required: true, maxlength: API_KEY_LIMITS.prefix },
    hash: {
      type: String,
      required: true,
      maxlength: API_KEY_LIMITS.hash,
      kept: 'SHA-256 of the key, whose secret has 256 random bits, so that no salt is needed.',
    },
    /** No enum of the database: one that a later version no longer knows gives nothing, and stands in nobody's way. */
    permissions: { type: [{ type: String, maxlength: API_KEY_LIMITS.permission }], required: true },
    /** Of the session that made it: roles that ask for two factors lend it nothing if that one was proven by one. */
    authenticationMethods: { type: [{ type: String, enum: AUTHENTICATION_METHODS }], required: true },
    createdAt: { type: Date, required: true },
    /** Absent for a key that lives until it is deleted. */
    expiresAt: { type: Date },
    lastUsedAt: { type: Date },
    /** Counts the changes that a reader makes; the ETag is made of it. */
    revision: { type: Number, required: true, default: 1 },
  },
  { collection: 'api_keys', versionKey: false },
);

apiKeySchema.index({ prefix: 1 }, { name: 'idx_api_keys_prefix', unique: true });
apiKeySchema.index({ userId: 1, _id: 1 }, { name: 'idx_api_keys_user_id' });
apiKeySchema.index({ expiresAt: 1 }, { name: 'idx_api_keys_expires_at', expireAfterSeconds: 0 });

export const ApiKey = model('ApiKey', apiKeySchema);

/** A key as stored; its hash is there only where it is compared. */
export type ApiKeyRecord = Omit<InferSchemaType<typeof apiKeySchema>, 'hash'> & { _id: Types.ObjectId };

const READABLE = { hash: 0 } as const;

interface NewApiKey {
  readonly minted: MintedApiKey;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly expiresAt?: Date;
  readonly maker: { readonly userId: Types.ObjectId; readonly authenticationMethods: readonly AuthenticationMethod[] };
}

/**
 * Creates a key. The write to its maker makes this transaction conflict with one that suspends or removes the account,
 * so that no key is left behind.
 * @throws {AppError} `invalid-token` when the account has gone meanwhile
 */
export async function createApiKey(
  tx: ClientSession,
  origin: AuditOrigin,
  { minted: { prefix, hash }, name, permissions, expiresAt, maker }: NewApiKey,
): Promise<ApiKeyRecord> {
  const { matchedCount } = await User.updateOne(
    { _id: maker.userId, status: { $in: SIGN_IN_STATUSES } },
    { $inc: { waysInRevision: 1 } },
    { session: tx, timestamps: false },
  );
  if (matchedCount === 0) throw new AppError('invalid-token');
  const fields = {
    ...maker,
    name,
    prefix,
    hash,
    permissions: [...permissions],
    authenticationMethods: [...maker.authenticationMethods],
    createdAt: new Date(),
    ...(expiresAt && { expiresAt }),
  };
  const [key] = await ApiKey.create([fields], { session: tx });
  if (!key) throw new Error('the database acknowledged an insert without a document');
  await recordAuditEvent(tx, origin, { action: 'api-key.created', target: targetOf(key._id) });
  return key.toObject();
}

const targetOf = (id: Types.ObjectId) => ({ collection: 'api_keys', id });

/** What one lean read tells about a key that a request came with. */
export interface FoundApiKey {
  readonly _id: Types.ObjectId;
  readonly hash: string;
  readonly permissions: readonly string[];
  readonly authenticationMethods: AuthenticationMethod[];
  readonly lastUsedAt?: Date;
  readonly maker: { readonly roles: Role[] };
}

type JoinedApiKey = FoundApiKey & { readonly expiresAt?: Date; readonly maker: { readonly status: UserStatus } };

/**
 * The live key with this prefix, joined with what its maker is now: so nothing that changes an account needs to know of
 * its keys, and no change can be forgotten. `null` once it has expired, or when its maker could not sign in any more.
 */
export async function findApiKey(prefix: string): Promise<FoundApiKey | null> {
  const [key] = await ApiKey.collection.aggregate<JoinedApiKey>([...LIVE_API_KEY(prefix)]).toArray();
  // Compared here: a TTL index removes late.
  if (!key || (key.expiresAt && key.expiresAt.getTime() <= Date.now())) return null;
  return SIGN_IN_STATUSES.some((status) => status === key.maker.status) ? key : null;
}

const LIVE_API_KEY = (prefix: string) => [
  { $match: { prefix } },
  { $lookup: { from: User.collection.collectionName, localField: 'userId', foreignField: '_id', as: 'maker' } },
  { $unwind: '$maker' },
  {
    $project: {
      hash: 1,
      permissions: 1,
      authenticationMethods: 1,
      expiresAt: 1,
      lastUsedAt: 1,
      'maker.status': 1,
      'maker.roles': 1,
    },
  },
];

/** Moves the time of the last use, unless somebody else has just done so. */
export async function noteUse(id: Types.ObjectId, now = new Date()): Promise<void> {
  const noted = new Date(now.getTime() - USE_NOTED_MS);
  await ApiKey.updateOne(
    { _id: id, $or: [{ lastUsedAt: { $exists: false } }, { lastUsedAt: { $lte: noted } }] },
    { $set: { lastUsedAt: now } },
  );
}

/** Keys newest first: all of them, or those that one account made. */
export function listApiKeys(
  userId: Types.ObjectId | undefined,
  limit: number,
  after?: string,
): Promise<ApiKeyRecord[]> {
  return ApiKey.find({ ...(userId && { userId }), ...(after && { _id: { $lt: after } }) }, READABLE)
    .sort({ _id: -1 })
    .limit(limit)
    .hint(userId ? { userId: 1, _id: 1 } : { _id: 1 })
    .lean<ApiKeyRecord[]>()
    .exec();
}

/** @throws {AppError} `not-found` */
export async function readApiKey(id: Types.ObjectId): Promise<ApiKeyRecord> {
  const key = await ApiKey.findOne({ _id: id }, READABLE).lean<ApiKeyRecord>();
  if (!key) throw new AppError('not-found');
  return key;
}

/** @throws {AppError} `not-found`, `precondition-failed` */
export async function renameApiKey(
  tx: ClientSession,
  origin: AuditOrigin,
  { id, name }: { readonly id: Types.ObjectId; readonly name: string },
  precondition?: Precondition,
): Promise<ApiKeyRecord> {
  const renamed = await ApiKey.findOneAndUpdate(
    { _id: id, ...onRevision(precondition) },
    { $set: { name }, $inc: { revision: 1 } },
    { session: tx, returnDocument: 'after', projection: READABLE },
  ).lean<ApiKeyRecord>();
  if (!renamed) throw await whyUnmatched(tx, id);
  await recordAuditEvent(tx, origin, { action: 'api-key.renamed', target: targetOf(id), changes: ['name'] });
  return renamed;
}

/** It is refused from the next request on, on every instance. @throws {AppError} `not-found`, `precondition-failed` */
export async function deleteApiKey(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  precondition?: Precondition,
): Promise<void> {
  const { deletedCount } = await ApiKey.deleteOne({ _id: id, ...onRevision(precondition) }, { session: tx });
  if (deletedCount === 0) throw await whyUnmatched(tx, id);
  await recordAuditEvent(tx, origin, { action: 'api-key.deleted', target: targetOf(id) });
}

async function whyUnmatched(tx: ClientSession, id: Types.ObjectId): Promise<AppError> {
  return new AppError((await ApiKey.exists({ _id: id }).session(tx)) ? 'precondition-failed' : 'not-found');
}
