import type { ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { MailData } from '../lib/mail/messages.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { Credential, type CredentialRecord } from './credential.ts';
import { noticeOf } from './notice.ts';
import { enqueueMail } from './outbox.ts';
import { type LiveSession, Session } from './session.ts';
import { User, type UserRecord } from './user.ts';

/** Whoever changes their own factors, in the session in which they do. */
export type FactorOwner = Pick<LiveSession, '_id' | 'userId' | 'authenticationMethods'>;

export interface FactorOptions {
  readonly keyring: Keyring;
}

export const hasSecondFactor = ({ secondFactors }: Pick<UserRecord, 'secondFactors'>): boolean =>
  (secondFactors ?? []).length > 0;

/**
 * Everything that adds or removes a factor begins with this. It writes the account, so that two such changes conflict.
 * @throws {AppError} `reauthentication-required` in a session that was opened without the second factor that the
 *   account has: whoever holds that session must not be able to take the factor away
 */
export async function beginFactorChange(tx: ClientSession, owner: FactorOwner): Promise<UserRecord> {
  const user = await User.findOneAndUpdate(
    { _id: owner.userId, status: 'active' },
    { $inc: { waysInRevision: 1 } },
    { session: tx, timestamps: false },
  ).lean<UserRecord>();
  if (!user) throw new AppError('invalid-token');
  if (hasSecondFactor(user) && !(await isProvenByTwo(tx, owner))) throw new AppError('reauthentication-required');
  return user;
}

/** As the request has it; or as it is now, since a request beside it may have added the factor. */
const isProvenByTwo = async (tx: ClientSession, { _id, authenticationMethods }: FactorOwner): Promise<boolean> =>
  authenticationMethods.includes('mfa') ||
  (await Session.exists({ _id, authenticationMethods: 'mfa' }).session(tx)) !== null;

/** A change of factors, as the audit trail and its owner are told of it. */
interface FactorNews {
  readonly action: 'factor.added' | 'factor.removed';
  readonly factor: MailData['factor-added']['factor'];
  /** The path that changed. */
  readonly path: string;
  readonly name?: string | undefined;
}

/** Nobody should find out at their next sign-in that a factor has come or gone. */
export async function tellOfFactor(
  tx: ClientSession,
  origin: AuditOrigin,
  { _id, email }: UserRecord,
  { action, factor, path, name }: FactorNews,
  { keyring }: FactorOptions,
): Promise<void> {
  await recordAuditEvent(tx, origin, { action, target: { collection: 'users', id: _id }, changes: [path] });
  const template = action === 'factor.added' ? 'factor-added' : 'factor-removed';
  const data = { ...noticeOf(origin), factor, ...(name !== undefined && { name }) };
  await enqueueMail(tx, keyring, { template, to: email, data }, _id);
}

/** What an account signs in with besides its password; the authenticator app once it is confirmed. */
export interface Factors {
  readonly totp: CredentialRecord | undefined;
  readonly recoveryCodes: readonly CredentialRecord[];
  readonly passkeys: readonly CredentialRecord[];
}

export async function findFactors(userId: Types.ObjectId): Promise<Factors> {
  const all = await Credential.find({ userId }, { secret: 0, codeHash: 0, publicKey: 0 })
    .sort({ type: 1, _id: 1 })
    .lean<CredentialRecord[]>();
  const of = (type: CredentialRecord['type']) => all.filter((each) => each.type === type);
  return {
    totp: of('totp').find(({ confirmedAt }) => confirmedAt),
    recoveryCodes: of('recovery-code'),
    passkeys: of('passkey'),
  };
}
