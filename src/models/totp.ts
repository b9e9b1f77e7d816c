import { type ClientSession, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { matchingStep, newTotpSecret, totpUri } from '../lib/totp.ts';
import type { AuditOrigin } from './audit-event.ts';
import { Credential, type CredentialRecord } from './credential.ts';
import { beginFactorChange, type FactorOptions, type FactorOwner } from './factor.ts';
import { addSecondFactor, removeSecondFactor } from './second-factor-change.ts';
import { openText, seal } from './sensitive.ts';

const TYPE = 'totp';
const CHANGED = { kind: TYPE, path: TYPE } as const;

/** The account's authenticator app, confirmed or not. */
const find = (tx: ClientSession, userId: Types.ObjectId): Promise<CredentialRecord | null> =>
  Credential.findOne({ userId, type: TYPE }, undefined, { session: tx }).lean<CredentialRecord>().exec();

const stepOf = (totp: CredentialRecord, code: string, keyring: Keyring): number | undefined =>
  matchingStep(openText(keyring, Credential, totp, 'secret'), code);

/** What an authenticator app is set up with; shown once. */
interface TotpSetup {
  readonly secret: string;
  readonly uri: string;
}

/**
 * Begins to add an authenticator app. It counts once a code of it was given; until then a second beginning replaces it.
 * @throws {AppError} `factor-exists` when the account has one
 */
export async function startTotp(
  tx: ClientSession,
  owner: FactorOwner,
  issuer: string,
  { keyring }: FactorOptions,
): Promise<TotpSetup> {
  const { userId } = owner;
  const { email } = await beginFactorChange(tx, owner);
  const known = await find(tx, userId);
  if (known?.confirmedAt) throw new AppError('factor-exists');
  if (known) await Credential.deleteOne({ _id: known._id }, { session: tx });
  const _id = new Types.ObjectId();
  const secret = newTotpSecret();
  await Credential.collection.insertOne(
    { _id, userId, type: TYPE, ...seal(keyring, Credential, _id, { secret }), createdAt: new Date() },
    { session: tx },
  );
  return { secret, uri: totpUri(secret, issuer, email) };
}

/**
 * Adds the authenticator app that was begun, by a code that shows that the secret arrived.
 * @throws {AppError} `not-found` when none was begun, `factor-exists`, `invalid-code`
 */
export async function confirmTotp(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  code: string,
  options: FactorOptions,
): Promise<{ readonly totp: CredentialRecord; readonly recoveryCodes: string[] | undefined }> {
  const user = await beginFactorChange(tx, owner);
  const begun = await find(tx, owner.userId);
  if (!begun) throw new AppError('not-found');
  if (begun.confirmedAt) throw new AppError('factor-exists');
  const step = stepOf(begun, code, options.keyring);
  if (step === undefined) throw new AppError('invalid-code');
  const now = new Date();
  // The code that confirms is used up as any other.
  const proven = { confirmedAt: now, lastStep: step, lastUsedAt: now };
  await Credential.updateOne({ _id: begun._id }, { $set: proven }, { session: tx });
  const recoveryCodes = await addSecondFactor(tx, origin, { user, owner }, CHANGED, options);
  return { totp: { ...begun, ...proven }, recoveryCodes };
}

/** @throws {AppError} `not-found` when the account has none */
export async function removeTotp(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  options: FactorOptions,
): Promise<void> {
  const user = await beginFactorChange(tx, owner);
  const confirmed = { userId: owner.userId, type: TYPE, confirmedAt: { $exists: true } } as const;
  const { deletedCount } = await Credential.deleteOne(confirmed, { session: tx });
  if (deletedCount === 0) throw new AppError('not-found');
  await removeSecondFactor(tx, origin, user, CHANGED, options);
}

/**
 * Uses the code of a time step up: the update matches only while no code of it or of a later one was used.
 * @returns whether it is a code of the account's app that was not used
 */
export async function useTotp(
  tx: ClientSession,
  userId: Types.ObjectId,
  code: string,
  { keyring }: FactorOptions,
): Promise<boolean> {
  const totp = await find(tx, userId);
  const step = totp?.confirmedAt && stepOf(totp, code, keyring);
  if (step === undefined || !totp) return false;
  const used = await Credential.updateOne(
    { _id: totp._id, lastStep: { $lt: step } },
    { $set: { lastStep: step, lastUsedAt: new Date() } },
    { session: tx },
  );
  return used.matchedCount === 1;
}
