import { type ClientSession, Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import type { Proven } from '../lib/identity/provider.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { beginFactorChange, type FactorOwner } from './factor.ts';
import { Identity, type IdentityRecord } from './identity.ts';
import type { MailOptions } from './mailed-token.ts';
import { noticeOf } from './notice.ts';
import { revokeTokens } from './one-time-token.ts';
import { enqueueMail } from './outbox.ts';
import { seal } from './sensitive.ts';
import { Session } from './session.ts';
import type { UserRecord } from './user.ts';
import { keepAWayIn } from './way-in.ts';

export interface IdentityOptions extends MailOptions {
  /** What people call a provider, by its id. */
  readonly nameOf: (provider: string) => string;
}

/** What each sign-in brings up to date. */
function newsOf(_id: Types.ObjectId, { identity, tokens }: Proven, keyring: Keyring) {
  return {
    lastUsedAt: new Date(),
    ...(identity.email !== undefined && { email: identity.email }),
    ...(tokens && seal(keyring, Identity, _id, { tokens })),
  };
}

/** Whose an identity is, if it is anybody's. */
export const findIdentity = (
  tx: ClientSession,
  { identity: { provider, subject } }: Proven,
): Promise<IdentityRecord | null> =>
  Identity.findOne({ provider, subject }, { tokens: 0 }, { session: tx }).lean<IdentityRecord>().exec();

/** Notes that an identity was used, with what the provider says now. */
export async function refreshIdentity(
  tx: ClientSession,
  { _id }: IdentityRecord,
  proven: Proven,
  { keyring }: IdentityOptions,
): Promise<void> {
  await Identity.updateOne({ _id }, { $set: newsOf(_id, proven, keyring) }, { session: tx });
}

/**
 * Adds an identity to an account whose document this transaction writes as well, with its audit event and a mail to
 * its owner. The unique index decides whose it is.
 */
export async function addIdentity(
  tx: ClientSession,
  origin: AuditOrigin,
  user: UserRecord,
  proven: Proven,
  options: IdentityOptions,
): Promise<IdentityRecord> {
  const _id = new Types.ObjectId();
  const { provider, subject } = proven.identity;
  const news = newsOf(_id, proven, options.keyring);
  const record = { _id, userId: user._id, provider, subject, ...news, createdAt: news.lastUsedAt };
  await Identity.collection.insertOne(record, { session: tx });
  await tellOfIdentity(tx, origin, user, { provider, action: 'identity.linked' }, options);
  return record;
}

/**
 * Links an identity to the account of a session that is still there.
 * @throws {AppError} `identity-taken` when it belongs to another account
 */
export async function linkIdentity(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  proven: Proven,
  options: IdentityOptions,
): Promise<IdentityRecord> {
  const user = await beginFactorChange(tx, owner);
  // Read in the transaction: whoever has just got the account back has ended the sessions of whoever had it.
  const live = await Session.exists({ _id: owner._id, userId: owner.userId }).session(tx);
  if (!live) throw new AppError('invalid-token');
  const known = await findIdentity(tx, proven);
  if (known && !known.userId.equals(owner.userId)) throw new AppError('identity-taken');
  if (!known) return addIdentity(tx, origin, user, proven, options).catch(taken);
  await refreshIdentity(tx, known, proven, options);
  return { ...known, ...newsOf(known._id, { identity: proven.identity }, options.keyring) };
}

/** Somebody else linked it in the same moment. */
function taken(error: unknown): never {
  throw isDuplicateKey(error) ? new AppError('identity-taken', { cause: error }) : error;
}

/**
 * Removes an identity of the account, unless nothing else signs in to it.
 * @throws {AppError} `not-found`, `last-credential`
 */
export async function unlinkIdentity(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  id: string,
  options: IdentityOptions,
): Promise<void> {
  const user = await beginFactorChange(tx, owner);
  const mine = { _id: new Types.ObjectId(id), userId: owner.userId };
  const removed = await Identity.findOneAndDelete(mine, { session: tx }).lean<IdentityRecord>();
  if (!removed) throw new AppError('not-found');
  await keepAWayIn(tx, owner.userId);
  // A sign-in by it may be waiting for its second step.
  await revokeTokens(tx, owner.userId, ['second-factor']);
  await tellOfIdentity(tx, origin, user, { provider: removed.provider, action: 'identity.unlinked' }, options);
}

interface IdentityNews {
  readonly provider: string;
  readonly action: 'identity.linked' | 'identity.unlinked';
}

/** Nobody should find out by chance that another way into their account has come or gone. */
async function tellOfIdentity(
  tx: ClientSession,
  origin: AuditOrigin,
  { _id, email }: UserRecord,
  { provider, action }: IdentityNews,
  { keyring, nameOf }: IdentityOptions,
): Promise<void> {
  const changes = [`identities.${provider}`];
  await recordAuditEvent(tx, origin, { action, target: { collection: 'users', id: _id }, changes });
  const template = action === 'identity.linked' ? 'identity-linked' : 'identity-unlinked';
  const data = { ...noticeOf(origin), provider: nameOf(provider) };
  await enqueueMail(tx, keyring, { template, to: email, data }, _id);
}
