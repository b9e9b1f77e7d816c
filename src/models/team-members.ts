import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { mailedLink } from '../lib/mail/links.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { documentModel, type Filter, findDocument, type StoredDocument } from './document.ts';
import { createDocument, removeDocument } from './document-change.ts';
import { INVITATION_SECONDS, Invitation, type InvitationRecord } from './invitation.ts';
import { LIVE } from './life.ts';
import { Membership, TEAM_ROLES, type TeamRole } from './membership.ts';
import { consumeToken, issueToken } from './one-time-token.ts';
import { enqueueMail } from './outbox.ts';
import { holdParent } from './parents.ts';
import { Team, type TeamRecord } from './team.ts';
import { teamsOf } from './team-access.ts';
import { User } from './user.ts';

const PURPOSE = 'team-invitation';

interface Act {
  readonly tx: ClientSession;
  readonly origin: AuditOrigin;
}

const anyone = async (): Promise<Filter> => ({});

/**
 * Makes somebody a member. The unique index decides, so that of several at once one is it.
 * @throws {AppError} `value-taken` for somebody who is a member, `not-found` where team or account are gone
 */
export function addMember(
  { tx, origin }: Act,
  teamId: Types.ObjectId,
  userId: Types.ObjectId,
  role: TeamRole,
): Promise<StoredDocument> {
  const membership = { values: { teamId, userId, role }, named: ['teamId', 'userId'] };
  return createDocument({ model: documentModel(Membership.modelName), tx, origin }, membership, anyone);
}

/**
 * To be called after the change, in its transaction, whenever a team may have lost an owner. Every such change writes
 * the team, so that two of them conflict, and the second sees what the first did.
 * @throws {AppError} `last-owner`
 */
export async function keepAnOwner(tx: ClientSession, teamId: Types.ObjectId): Promise<void> {
  // A team that is deleted needs none.
  if (!(await holdParent(tx, Team.modelName, { _id: teamId }))) return;
  if (!(await hasOwner(tx, { teamId }))) throw new AppError('last-owner');
}

/** Memberships of a deleted account are hidden a moment after it: until then they do not count. */
async function hasOwner(tx: ClientSession, which: Filter): Promise<boolean> {
  const owners = await Membership.find({ ...which, role: 'owner', ...LIVE }, { userId: 1 }, { session: tx }).lean();
  const ids = owners.map(({ userId }) => userId);
  return (await User.exists({ _id: { $in: ids }, status: { $ne: 'deleted' } }).session(tx)) !== null;
}

/** Only owners make owners and take them away. @throws {AppError} `forbidden` */
export async function assertOwner(
  tx: ClientSession,
  userId: Types.ObjectId | undefined,
  teamId: Types.ObjectId,
): Promise<void> {
  const own = userId ? await teamsOf(userId, ['owner'], { teamId, tx }) : [];
  if (own.length === 0) throw new AppError('forbidden');
}

/**
 * Refuses to let an account go that a team has no other owner than.
 * @throws {AppError} `last-owner`, with the names of the teams
 */
export async function refuseLastOwner(tx: ClientSession, userId: Types.ObjectId): Promise<void> {
  const owned = await teamsOf(userId, ['owner'], { tx });
  const left: Types.ObjectId[] = [];
  for (const teamId of owned) {
    await holdParent(tx, Team.modelName, { _id: teamId });
    if (!(await hasOwner(tx, { teamId, userId: { $ne: userId } }))) left.push(teamId);
  }
  if (left.length === 0) return;
  const teams = await Team.find({ _id: { $in: left } }, { name: 1 }, { session: tx }).lean<TeamRecord[]>();
  throw new AppError('last-owner', {
    detail: `It is the last owner of ${teams.map(({ name }) => `“${name}”`).join(', ')}.`,
  });
}

/**
 * Takes oneself out of a team.
 * @throws {AppError} `not-found` for whoever is no member, `last-owner`
 */
export async function leaveTeam(act: Act, teamId: Types.ObjectId, userId: Types.ObjectId): Promise<void> {
  const model = documentModel(Membership.modelName);
  await removeDocument({ model, ...act }, { filter: { teamId, userId } });
  await keepAnOwner(act.tx, teamId);
}

interface Transfer {
  readonly teamId: Types.ObjectId;
  readonly to: Types.ObjectId;
  /** Who gives it away, and becomes an admin by that; absent where administration does it. */
  readonly from?: Types.ObjectId;
}

/**
 * Makes a member the owner of a team. Whoever gives it away stays an admin of it. Administration makes anybody the owner:
 * a team that is left without members would be out of reach for good.
 * @throws {AppError} `not-found` where either is no member of it, `forbidden` for whoever is no owner, `last-owner` where
 * the account that gets it is gone
 */
export async function transferTeam({ tx, origin }: Act, { teamId, to, from }: Transfer): Promise<StoredDocument> {
  if (from && (await teamsOf(from, TEAM_ROLES, { teamId, tx })).length === 0) throw new AppError('not-found');
  if (from) await assertOwner(tx, from, teamId);
  const known = await setRole({ tx, origin }, teamId, to, 'owner');
  if (!known && from) throw new AppError('not-found');
  const owner = known ?? (await addMember({ tx, origin }, teamId, to, 'owner'));
  if (from && !from.equals(to)) await setRole({ tx, origin }, teamId, from, 'admin');
  await keepAnOwner(tx, teamId);
  return owner;
}

async function setRole({ tx, origin }: Act, teamId: Types.ObjectId, userId: Types.ObjectId, role: TeamRole) {
  const changed = await Membership.findOneAndUpdate(
    { teamId, userId, ...LIVE },
    { $set: { role, updatedAt: new Date() }, $inc: { revision: 1 } },
    { session: tx, returnDocument: 'after' },
  ).lean<StoredDocument>();
  if (changed)
    await recordAuditEvent(tx, origin, {
      action: 'document.updated',
      target: { collection: 'memberships', id: changed._id },
      changes: ['role'],
    });
  return changed;
}

/** Mails an invitation, to an address that need not have an account. */
export async function mailInvitation(
  { tx }: Act,
  { keyring, appUrl }: { readonly keyring: Keyring; readonly appUrl: string },
  { _id, teamId, email }: InvitationRecord,
): Promise<void> {
  const team = await Team.findOne({ _id: teamId }, { name: 1 }, { session: tx }).lean<TeamRecord>();
  const payload = { invitationId: _id.toHexString() };
  const token = await issueToken(tx, keyring, { purpose: PURPOSE, seconds: INVITATION_SECONDS, payload });
  const data = {
    team: team?.name ?? '',
    link: mailedLink(appUrl, 'accept-invitation', token),
    validForSeconds: INVITATION_SECONDS,
  };
  await enqueueMail(tx, keyring, { template: 'team-invitation', to: email, data });
}

/** An invitation is worth what its sender may still do, in a team that is still there. */
async function isStillWorth(tx: ClientSession, { teamId, role, invitedBy }: InvitationRecord): Promise<boolean> {
  const senders = role === 'owner' ? ['owner'] : ['owner', 'admin'];
  if (!invitedBy || (await teamsOf(invitedBy, senders, { teamId, tx })).length === 0) return false;
  return holdParent(tx, Team.modelName, { _id: teamId });
}

/**
 * Makes whoever was invited a member: the token proves the mailbox, and the account has to be that of the mailbox.
 * Somebody who is a member already stays what they are.
 * @throws {AppError} `invalid-code` for a token that works no more, `forbidden` for another account, `value-taken` for
 * a membership that is hidden
 */
export async function acceptInvitation(
  { tx, origin }: Act,
  keyring: Keyring,
  token: string,
  userId: Types.ObjectId,
): Promise<StoredDocument> {
  const found = await consumeToken<{ invitationId: string }>(tx, keyring, PURPOSE, token);
  const invitation =
    found &&
    (await Invitation.findOne({ _id: found.payload.invitationId, ...LIVE }, null, {
      session: tx,
    }).lean<InvitationRecord>());
  // Compared here: a TTL index removes late.
  if (!invitation || invitation.expiresAt <= new Date()) throw new AppError('invalid-code');
  const account = await User.findOne({ _id: userId, status: 'active' }, { email: 1 }, { session: tx }).lean();
  if (account?.email !== invitation.email)
    throw new AppError('forbidden', {
      detail: 'The invitation is for another email: sign in to the account that has it.',
    });
  if (!(await isStillWorth(tx, invitation))) throw new AppError('invalid-code');
  const { teamId, role } = invitation;
  await removeDocument({ model: documentModel(Invitation.modelName), tx, origin }, { filter: { _id: invitation._id } });
  const known = await findDocument(documentModel(Membership.modelName), { teamId, userId, ...LIVE }, { tx });
  return known ?? addMember({ tx, origin }, teamId, userId, role);
}
