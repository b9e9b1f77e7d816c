import { type ClientSession, type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import { toId } from './ids.ts';
import { openJson, seal } from './sensitive.ts';
import { ROLES, USER_STATUSES } from './user.ts';

/**
 * How a session was proven, in the words of RFC 8176: password; one-time code (TOTP, recovery code, mailed link or
 * code); proof of possession of a key (passkey); more than one factor. An external provider has no word there: `fed`.
 */
export const AUTHENTICATION_METHODS = ['pwd', 'otp', 'pop', 'mfa', 'fed'] as const;
export type AuthenticationMethod = (typeof AUTHENTICATION_METHODS)[number];

const USER_AGENT_MAX_LENGTH = 512;

const sessionSchema = new Schema(
  {
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    /** Copies kept by the transactions that change the account, so that one read checks a request. */
    status: { type: String, enum: USER_STATUSES, required: true },
    roles: { type: [{ type: String, enum: ROLES }], required: true },
    refreshTokenHash: {
      type: String,
      required: true,
      maxlength: 43,
      kept: 'SHA-256 of the token, whose secret has 256 bits, so that no salt is needed.',
    },
    /** 32 random bytes (base64url) that its refresh tokens are derived from. */
    seed: {
      type: String,
      required: true,
      maxlength: 43,
      kept: 'As it is: without the keyring it yields no refresh token, and neither does the keyring without it.',
    },
    rotation: { type: Number, required: true, default: 0 },
    rotatedAt: { type: Date, required: true },
    authenticationMethods: { type: [{ type: String, enum: AUTHENTICATION_METHODS }], required: true },
    authenticatedAt: { type: Date, required: true },
    /** Address and agent that it was opened from, as JSON. No request is decided by them, so only a list opens them. */
    client: { type: String, sensitive: 'When sessions are shown or exported.' },
    createdAt: { type: Date, required: true },
    lastUsedAt: { type: Date, required: true },
    idleExpiresAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'sessions', versionKey: false },
);

sessionSchema.index({ refreshTokenHash: 1 }, { name: 'idx_sessions_refresh_token_hash', unique: true });
sessionSchema.index({ userId: 1, _id: 1 }, { name: 'idx_sessions_user_id' });
sessionSchema.index({ expiresAt: 1 }, { name: 'idx_sessions_expires_at', expireAfterSeconds: 0 });

export const Session = model('Session', sessionSchema);

export type SessionRecord = InferSchemaType<typeof sessionSchema> & { _id: Types.ObjectId };

/** Where a session was opened from, and with what. */
export interface SessionClient {
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** What a new session of that id keeps of it. */
export const sealClient = (keyring: Keyring, id: Types.ObjectId, { ip, userAgent }: SessionClient) =>
  ip === undefined && userAgent === undefined
    ? {}
    : seal(keyring, Session, id, { client: { ip, userAgent: userAgent?.slice(0, USER_AGENT_MAX_LENGTH) } });

/** Nothing where somebody has tampered with it: the owner of the session sees that it is there, and can end it. */
export function clientOf(keyring: Keyring, session: Pick<SessionRecord, '_id' | 'client'>): SessionClient {
  if (session.client == null) return {};
  try {
    return openJson(keyring, Session, session, 'client') as SessionClient;
  } catch (error) {
    if (error instanceof DecryptionError) return {};
    throw error;
  }
}

/**
 * What one lean read tells about whoever calls; `null` unless the session is alive and its account active. Every
 * request of somebody signed in makes it, so the driver is asked itself: mongoose would take a fifth more CPU.
 */
export async function findSession(id: string, userId: string): Promise<LiveSession | null> {
  const session = await Session.collection.findOne<SessionRecord>({ _id: toId(id) }, { projection: LIVE_SESSION });
  if (session?.status !== 'active' || session.userId.toHexString() !== userId) return null;
  // Compared here: a TTL index removes late.
  const now = Date.now();
  return session.expiresAt.getTime() > now && session.idleExpiresAt.getTime() > now ? session : null;
}

export type LiveSession = Pick<SessionRecord, '_id' | 'userId' | 'roles' | 'authenticatedAt' | 'authenticationMethods'>;

const LIVE_SESSION = {
  userId: 1,
  roles: 1,
  status: 1,
  authenticatedAt: 1,
  authenticationMethods: 1,
  expiresAt: 1,
  idleExpiresAt: 1,
};

/** Live sessions of an account, newest first. */
export async function listSessions(userId: Types.ObjectId, limit: number, after?: string): Promise<SessionRecord[]> {
  const now = new Date();
  return Session.find({
    userId,
    ...(after && { _id: { $lt: after } }),
    expiresAt: { $gt: now },
    idleExpiresAt: { $gt: now },
  })
    .sort({ _id: -1 })
    .limit(limit)
    .hint({ userId: 1, _id: 1 })
    .lean<SessionRecord[]>();
}

/**
 * Notes what a session was proven by in addition; with `at`, that whoever uses it has proven who they are at that time.
 * @throws {AppError} `invalid-token` when it has ended meanwhile
 */
export async function strengthenSession(
  tx: ClientSession,
  { _id, userId }: Pick<SessionRecord, '_id' | 'userId'>,
  methods: readonly AuthenticationMethod[],
  at?: Date,
): Promise<SessionRecord> {
  const session = await Session.findOneAndUpdate(
    { _id, userId },
    { $addToSet: { authenticationMethods: { $each: [...methods] } }, ...(at && { $set: { authenticatedAt: at } }) },
    { session: tx, returnDocument: 'after' },
  ).lean<SessionRecord>();
  if (!session) throw new AppError('invalid-token');
  return session;
}
