import { type ClientSession, Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { keepAnAdmin } from './guard.ts';
import { revokeTokens } from './one-time-token.ts';
import { Session } from './session.ts';
import { endSessions } from './session-end.ts';
import { type Role, User, type UserRecord } from './user.ts';
import type { ProfileChange } from './user-fields.ts';
import { keepNames, type NameKeeping } from './user-names.ts';

interface NewAccount {
  readonly email: string;
  /** Absent where its owner is yet to choose a password. */
  readonly passwordHash?: string;
  readonly emailVerified?: boolean;
  /** Of `profileChange`. */
  readonly profile: Record<string, unknown>;
  readonly roles?: readonly Role[];
}

/**
 * Creates an account with its audit event.
 * @throws {AppError} `email-taken`: the unique index decides, so that of parallel sign-ups one wins
 */
export async function createUser(
  tx: ClientSession,
  origin: AuditOrigin,
  keeping: NameKeeping,
  { email, passwordHash, emailVerified = false, profile, roles = ['user'] }: NewAccount,
): Promise<UserRecord> {
  try {
    const now = new Date();
    const _id = new Types.ObjectId();
    const account = {
      _id,
      ...keepNames(keeping, _id, { set: profile, unset: [] }).set,
      email,
      emailVerified,
      roles: [...roles],
      createdAt: now,
      updatedAt: now,
      ...(passwordHash !== undefined && { passwordHash, passwordChangedAt: now }),
    };
    const [user] = await User.create([account], { session: tx });
    if (!user) throw new Error('the database acknowledged an insert without a document');
    await recordAuditEvent(tx, origin, { action: 'user.created', target: { collection: 'users', id: user._id } });
    return user.toObject();
  } catch (error) {
    throw isDuplicateKey(error) ? new AppError('email-taken', { cause: error }) : error;
  }
}

/** The driver is asked itself, as single accounts are what is read most; so what mongoose leaves out is named here. */
const READABLE = { projection: { passwordHash: 0 } } as const;

/** A user that is not deleted, or `not-found`. */
export async function findUser(id: Types.ObjectId): Promise<UserRecord> {
  const user = await User.collection.findOne<UserRecord>({ _id: id, status: { $ne: 'deleted' } }, READABLE);
  if (!user) throw new AppError('not-found');
  return user;
}

/** Any account, a deleted one too, or `not-found`. */
export async function findAnyUser(id: Types.ObjectId): Promise<UserRecord> {
  const user = await User.collection.findOne<UserRecord>({ _id: id }, READABLE);
  if (!user) throw new AppError('not-found');
  return user;
}

/** Which revisions of the resource a change may be based on; nothing given means any (`If-Match`, RFC 9110). */
export type Precondition = readonly number[] | undefined;

export const onRevision = (precondition: Precondition): { revision?: { $in: number[] } } =>
  precondition ? { revision: { $in: [...precondition] } } : {};

/** Why an update matched nothing: the account is not there, or it is not in the state that the change asks for. */
export async function whyNotFound(
  tx: ClientSession,
  id: Types.ObjectId,
  precondition: Precondition,
): Promise<AppError> {
  const user = await User.findOne({ _id: id }, { status: 1, revision: 1 }, { session: tx }).lean();
  if (!user) return new AppError('not-found');
  if (precondition && !precondition.includes(user.revision)) return new AppError('precondition-failed');
  return new AppError('invalid-status', { detail: `The account is ${user.status}.` });
}

/** Changes the profile of an account that is not deleted. */
export async function updateProfile(
  tx: ClientSession,
  origin: AuditOrigin,
  keeping: NameKeeping,
  id: Types.ObjectId,
  change: ProfileChange,
  precondition?: Precondition,
): Promise<UserRecord> {
  const { set, unset } = keepNames(keeping, id, change);
  const user = await User.findOneAndUpdate(
    { _id: id, status: { $ne: 'deleted' }, ...onRevision(precondition) },
    { $set: set, $unset: unset, $inc: { revision: 1 } },
    { session: tx, returnDocument: 'after' },
  ).lean<UserRecord>();
  if (!user) throw await whyNotFound(tx, id, precondition);
  const changes = [...Object.keys(change.set), ...change.unset];
  await recordAuditEvent(tx, origin, { action: 'user.updated', target: { collection: 'users', id }, changes });
  return user;
}

/** Changes the roles of an account and of its sessions, so that a demotion counts at the next request. */
export async function changeRoles(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  roles: readonly Role[],
  precondition?: Precondition,
): Promise<UserRecord> {
  const user = await User.findOneAndUpdate(
    { _id: id, status: { $ne: 'deleted' }, ...onRevision(precondition) },
    { $set: { roles }, $inc: { revision: 1 } },
    { session: tx, returnDocument: 'after' },
  ).lean<UserRecord>();
  if (!user) throw await whyNotFound(tx, id, precondition);
  await Session.updateMany({ userId: id }, { $set: { roles } }, { session: tx });
  if (!roles.includes('admin')) await keepAnAdmin(tx);
  await recordAuditEvent(tx, origin, {
    action: 'user.roles-changed',
    target: { collection: 'users', id },
    changes: ['roles'],
  });
  return user;
}

interface PasswordChange {
  /** The hash that was verified: if it has been replaced meanwhile, this change is void. */
  readonly from: string | undefined;
  readonly to: string;
  readonly keepSession?: Types.ObjectId;
}

/** Replaces the password, and ends every other session of the account and whatever was mailed to it. */
export async function changePassword(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  { from, to, keepSession }: PasswordChange,
  precondition?: Precondition,
): Promise<void> {
  const changed = await User.updateOne(
    { _id: id, passwordHash: from ?? { $exists: false }, status: { $ne: 'deleted' }, ...onRevision(precondition) },
    { $set: { passwordHash: to, passwordChangedAt: new Date() }, $inc: { revision: 1 } },
    { session: tx },
  );
  if (changed.matchedCount === 0) {
    const why = await whyNotFound(tx, id, precondition);
    throw why.code === 'invalid-status' ? new AppError('wrong-password') : why;
  }
  await endSessions(tx, id, keepSession);
  await revokeTokens(tx, id);
  await recordAuditEvent(tx, origin, {
    action: 'user.password-changed',
    target: { collection: 'users', id },
    changes: ['password'],
  });
}
