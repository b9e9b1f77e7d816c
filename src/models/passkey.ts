import { type ClientSession, Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import { CeremonyError, type NewPasskey } from '../lib/webauthn.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { CREDENTIAL_LIMITS, Credential, type CredentialRecord, PASSKEY_TRANSPORTS } from './credential.ts';
import { beginFactorChange, type FactorOptions, type FactorOwner } from './factor.ts';
import { addSecondFactor, removeSecondFactor } from './second-factor-change.ts';
import { keepAWayIn } from './way-in.ts';

const TYPE = 'passkey';

/** Plenty for a person, and few enough to be listed whole. */
const MAX_PASSKEYS = 20;

const pathOf = (id: Types.ObjectId): string => `passkeys.${id.toHexString()}`;

const VISIBLE = { publicKey: 0 } as const;

/** The passkeys of an account, oldest first. */
export const listPasskeys = (userId: Types.ObjectId): Promise<CredentialRecord[]> =>
  Credential.find({ userId, type: TYPE }, VISIBLE).sort({ _id: 1 }).lean<CredentialRecord[]>().exec();

/** One of the account's own. @throws {AppError} `not-found` */
export async function findPasskey(
  userId: Types.ObjectId,
  id: Types.ObjectId,
  tx?: ClientSession,
): Promise<CredentialRecord> {
  const passkey = await Credential.findOne({ _id: id, userId, type: TYPE }, VISIBLE, {
    ...(tx && { session: tx }),
  }).lean<CredentialRecord>();
  if (!passkey) throw new AppError('not-found');
  return passkey;
}

/** What the database would refuse to store, whoever vouches for it. */
function storable(passkey: NewPasskey, name: string): Omit<CredentialRecord, '_id' | 'userId' | 'createdAt'> {
  const { credentialId, publicKey, counter, backedUp } = passkey;
  if (credentialId.length > CREDENTIAL_LIMITS.credentialId || publicKey.length > CREDENTIAL_LIMITS.publicKey)
    throw new CeremonyError('Its id or its key is too long.');
  // Browsers learn new ways to reach an authenticator before this service does.
  const transports = PASSKEY_TRANSPORTS.filter((known) => passkey.transports.includes(known));
  return { type: TYPE, credentialId, publicKey, counter, transports, backedUp, name };
}

/**
 * Adds a passkey that was verified.
 * @throws {AppError} `factor-exists` when it belongs to an account already, `too-many-passkeys`
 */
export async function addPasskey(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  { verified, name }: { readonly verified: NewPasskey; readonly name: string },
  options: FactorOptions,
): Promise<{ readonly passkey: CredentialRecord; readonly recoveryCodes: string[] | undefined }> {
  const user = await beginFactorChange(tx, owner);
  const { userId } = owner;
  const count = await Credential.countDocuments({ userId, type: TYPE }, { session: tx });
  if (count >= MAX_PASSKEYS) throw new AppError('too-many-passkeys');
  const passkey = { _id: new Types.ObjectId(), userId, ...storable(verified, name), createdAt: new Date() };
  try {
    await Credential.collection.insertOne(passkey, { session: tx });
  } catch (error) {
    throw isDuplicateKey(error) ? new AppError('factor-exists', { cause: error }) : error;
  }
  const added = { kind: TYPE, path: pathOf(passkey._id), name } as const;
  return { passkey, recoveryCodes: await addSecondFactor(tx, origin, { user, owner }, added, options) };
}

/** Tells whether what was read is still what a change may be based on (`If-Match`). */
export type StillCurrent = (passkey: CredentialRecord) => boolean;

/** @throws {AppError} `not-found`, `precondition-failed` */
export async function renamePasskey(
  tx: ClientSession,
  origin: AuditOrigin,
  userId: Types.ObjectId,
  { id, name }: { readonly id: Types.ObjectId; readonly name: string },
  isCurrent: StillCurrent,
): Promise<CredentialRecord> {
  const passkey = await findPasskey(userId, id, tx);
  if (!isCurrent(passkey)) throw new AppError('precondition-failed');
  await Credential.updateOne({ _id: id }, { $set: { name } }, { session: tx });
  await recordAuditEvent(tx, origin, {
    action: 'factor.renamed',
    target: { collection: 'users', id: userId },
    changes: [`${pathOf(id)}.name`],
  });
  return { ...passkey, name };
}

/** @throws {AppError} `not-found`, `precondition-failed`, `last-credential` when nothing else opens the account */
export async function removePasskey(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  { id, isCurrent }: { readonly id: Types.ObjectId; readonly isCurrent: StillCurrent },
  options: FactorOptions,
): Promise<void> {
  const user = await beginFactorChange(tx, owner);
  const passkey = await findPasskey(owner.userId, id, tx);
  if (!isCurrent(passkey)) throw new AppError('precondition-failed');
  await Credential.deleteOne({ _id: id }, { session: tx });
  await keepAWayIn(tx, owner.userId);
  const removed = { kind: TYPE, path: pathOf(id), name: passkey.name ?? undefined } as const;
  await removeSecondFactor(tx, origin, user, removed, options);
}
