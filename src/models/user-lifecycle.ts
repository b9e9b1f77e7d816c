import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { type AuditAction, type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { settlingOf } from './deletion.ts';
import { keepAnAdmin } from './guard.ts';
import { revokeTokens } from './one-time-token.ts';
import { refuseWhereRestricted } from './parents.ts';
import { endSessions } from './session-end.ts';
import { refuseLastOwner } from './team-members.ts';
import { USER_STATUSES, User, type UserRecord, type UserStatus } from './user.ts';
import { onRevision, type Precondition, whyNotFound } from './user-account.ts';

const DAY_MS = 86_400_000;

interface Act {
  readonly id: Types.ObjectId;
  /** What somebody wrote about it. */
  readonly reason?: string;
  /** The rule by which the service itself does it. */
  readonly rule?: string;
  readonly precondition?: Precondition;
}

interface Transition {
  readonly action: AuditAction;
  readonly from: readonly UserStatus[];
  readonly where?: Record<string, unknown>;
  /** An aggregation stage: `previousStatus` is copied from the document itself. */
  readonly set: Record<string, unknown>;
  readonly unset?: readonly string[];
}

/** One step of the status machine: the filter holds the rule, so that a parallel change cannot slip between. */
async function step(
  tx: ClientSession,
  origin: AuditOrigin,
  { id, reason, rule, precondition }: Act,
  transition: Transition,
): Promise<UserRecord> {
  const { action, from, where, set, unset = [] } = transition;
  const why = reason ?? rule;
  const user = await User.findOneAndUpdate(
    { _id: id, status: { $in: from }, ...where, ...onRevision(precondition) },
    [
      {
        $set: {
          ...set,
          statusReason: why === undefined ? '$$REMOVE' : { $literal: why },
          revision: { $add: ['$revision', 1] },
          updatedAt: new Date(),
        },
      },
      ...(unset.length > 0 ? [{ $unset: [...unset] }] : []),
    ],
    { session: tx, returnDocument: 'after', updatePipeline: true, timestamps: false },
  ).lean<UserRecord>();
  if (!user) throw await whyNotFound(tx, id, precondition);
  await recordAuditEvent(tx, origin, {
    action,
    target: { collection: 'users', id },
    changes: ['status'],
    ...(reason !== undefined && { note: reason }),
    ...(rule !== undefined && { reason: rule }),
  });
  return user;
}

/** The account's own act: it works again as soon as somebody signs in. */
export async function deactivateUser(tx: ClientSession, origin: AuditOrigin, act: Act): Promise<UserRecord> {
  const user = await step(tx, origin, act, {
    action: 'user.deactivated',
    from: ['active'],
    set: { status: 'inactive' },
  });
  return shutOut(tx, user);
}

/** After this nothing signs in as the account: its sessions and all that was mailed are gone in the same transaction. */
async function shutOut(tx: ClientSession, user: UserRecord): Promise<UserRecord> {
  await endSessions(tx, user._id);
  await revokeTokens(tx, user._id);
  if (user.roles.includes('admin')) await keepAnAdmin(tx);
  return user;
}

export async function suspendUser(tx: ClientSession, origin: AuditOrigin, act: Act): Promise<UserRecord> {
  const user = await step(tx, origin, act, {
    action: 'user.suspended',
    from: ['active', 'inactive'],
    set: { status: 'suspended' },
  });
  return shutOut(tx, user);
}

export const reactivateUser = (tx: ClientSession, origin: AuditOrigin, act: Act): Promise<UserRecord> =>
  step(tx, origin, act, { action: 'user.reactivated', from: ['suspended', 'inactive'], set: { status: 'active' } });

/**
 * Soft delete: hidden, signed out, the email still reserved, restorable until `purgeAt`.
 * @throws {AppError} `legal-hold`, `last-admin`, `still-referenced`
 */
export async function deleteUser(
  tx: ClientSession,
  origin: AuditOrigin,
  act: Act,
  retentionDays: number,
): Promise<UserRecord> {
  const now = Date.now();
  await refuseHeld(tx, act.id);
  const user = await step(tx, origin, act, {
    action: 'user.deleted',
    from: ['active', 'inactive', 'suspended'],
    where: { legalHold: { $ne: true } },
    set: {
      previousStatus: '$status',
      status: 'deleted',
      deletedAt: new Date(now),
      purgeAt: new Date(now + retentionDays * DAY_MS),
      ...settlingOf('User'),
    },
  });
  await refuseWhereRestricted(tx, 'User', [act.id]);
  await refuseLastOwner(tx, act.id);
  return shutOut(tx, user);
}

/** Looked at in the transaction; the filter of the step that follows holds the rule. */
async function refuseHeld(tx: ClientSession, id: Types.ObjectId): Promise<void> {
  const held = await User.findOne({ _id: id, legalHold: true }, { _id: 1 }, { session: tx }).lean();
  if (held) throw new AppError('legal-hold');
}

/**
 * Ends an account at once and for good, in whatever status: from here on nothing restores it, and what is left of it is
 * purged. (`purgeUser` does that; the schedule too, if whoever called this is killed in between.)
 * @throws {AppError} `legal-hold`, `last-admin`, `still-referenced`
 */
export async function eraseUser(tx: ClientSession, origin: AuditOrigin, act: Act): Promise<UserRecord> {
  const now = new Date();
  await refuseHeld(tx, act.id);
  const user = await step(tx, origin, act, {
    action: 'user.erased',
    from: USER_STATUSES,
    where: { legalHold: { $ne: true } },
    set: { status: 'deleted', deletedAt: { $ifNull: ['$deletedAt', now] }, purgeAt: now, ...settlingOf('User') },
  });
  await refuseWhereRestricted(tx, 'User', [act.id]);
  await refuseLastOwner(tx, act.id);
  // Whoever counts or hears of deletions is to know of this one, too.
  if (user.deletedAt?.getTime() === now.getTime())
    await recordAuditEvent(tx, origin, { action: 'user.deleted', target: { collection: 'users', id: act.id } });
  return shutOut(tx, user);
}

/**
 * Keeps an account from being deleted and purged, until it is released.
 * @throws {AppError} `invalid-status` when it is being purged already
 */
export const holdUser = (tx: ClientSession, origin: AuditOrigin, act: Act): Promise<UserRecord> =>
  changeHold(tx, origin, act, {
    action: 'user.held',
    where: { $or: [{ purgeAt: { $exists: false } }, { purgeAt: { $gt: new Date() } }] },
    update: { $set: { legalHold: true } },
  });

/** Also when the time of a deleted account has run out meanwhile: then it is purged next. */
export const releaseUser = (tx: ClientSession, origin: AuditOrigin, act: Act): Promise<UserRecord> =>
  changeHold(tx, origin, act, { action: 'user.released', where: {}, update: { $unset: { legalHold: 1 } } });

interface HoldChange {
  readonly action: AuditAction;
  readonly where: Record<string, unknown>;
  readonly update: Record<string, unknown>;
}

async function changeHold(
  tx: ClientSession,
  origin: AuditOrigin,
  { id, reason, precondition }: Act,
  { action, where, update }: HoldChange,
): Promise<UserRecord> {
  const user = await User.findOneAndUpdate(
    { _id: id, ...where, ...onRevision(precondition) },
    { ...update, $inc: { revision: 1 } },
    { session: tx, returnDocument: 'after' },
  ).lean<UserRecord>();
  if (!user) throw await whyNotFound(tx, id, precondition);
  await recordAuditEvent(tx, origin, {
    action,
    target: { collection: 'users', id },
    changes: ['legalHold'],
    ...(reason !== undefined && { note: reason }),
  });
  return user;
}

/** Back to the status before the deletion; sessions stay ended. */
export async function restoreUser(tx: ClientSession, origin: AuditOrigin, act: Act): Promise<UserRecord> {
  const now = new Date();
  const late = await User.findOne(
    { _id: act.id, status: 'deleted', purgeAt: { $lte: now } },
    { _id: 1 },
    { session: tx },
  ).lean();
  if (late) throw new AppError('restore-period-over');
  return step(tx, origin, act, {
    action: 'user.restored',
    from: ['deleted'],
    where: { purgeAt: { $gt: now } },
    set: { status: '$previousStatus', ...settlingOf('User') },
    unset: ['previousStatus', 'deletedAt', 'purgeAt'],
  });
}
