import { createHash, timingSafeEqual } from 'node:crypto';
import { type ClientSession, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { newRecoveryCodes, plainRecoveryCode } from '../lib/recovery-codes.ts';
import type { AuditOrigin } from './audit-event.ts';
import { Credential } from './credential.ts';
import { beginFactorChange, type FactorOptions, type FactorOwner, tellOfFactor } from './factor.ts';
import { noticeOf } from './notice.ts';
import { enqueueMail } from './outbox.ts';
import { openBytes, seal } from './sensitive.ts';
import { User } from './user.ts';

const TYPE = 'recovery-code';

/**
 * The same code has another hash for another account. It is encrypted rather than keyed: codes are kept for years, and a
 * keyed hash could never be moved to another key.
 */
const hashOf = (userId: Types.ObjectId, code: string): Buffer =>
  createHash('sha256')
    .update(`${userId.toHexString()}:${plainRecoveryCode(code)}`)
    .digest();

/** Gives the account a new set, of which the database keeps encrypted hashes. The old ones are dead. */
async function renew(tx: ClientSession, userId: Types.ObjectId, keyring: Keyring): Promise<string[]> {
  const codes = newRecoveryCodes();
  const createdAt = new Date();
  await Credential.deleteMany({ userId, type: TYPE }, { session: tx });
  await Credential.collection.insertMany(
    codes.map((code) => {
      const _id = new Types.ObjectId();
      return {
        _id,
        userId,
        type: TYPE,
        ...seal(keyring, Credential, _id, { codeHash: hashOf(userId, code) }),
        createdAt,
      };
    }),
    { session: tx },
  );
  return codes;
}

/** The codes that come along with the first factor; none for an account that has some. */
export async function firstRecoveryCodes(
  tx: ClientSession,
  userId: Types.ObjectId,
  { keyring }: FactorOptions,
): Promise<string[] | undefined> {
  const one = await Credential.exists({ userId, type: TYPE }).session(tx);
  return one ? undefined : renew(tx, userId, keyring);
}

/** A new set, as its owner asked for. */
export async function renewRecoveryCodes(
  tx: ClientSession,
  origin: AuditOrigin,
  owner: FactorOwner,
  options: FactorOptions,
): Promise<string[]> {
  const user = await beginFactorChange(tx, owner);
  const codes = await renew(tx, owner.userId, options.keyring);
  const news = { action: 'factor.added', factor: 'recovery-codes', path: 'recoveryCodes' } as const;
  await tellOfFactor(tx, origin, user, news, options);
  return codes;
}

/**
 * Uses a code up: one atomic deletion decides between several uses at once. Its owner hears of it, as a code that they
 * did not use themselves is in foreign hands.
 * @returns whether it was one of the account's
 */
export async function useRecoveryCode(
  tx: ClientSession,
  origin: AuditOrigin,
  userId: Types.ObjectId,
  code: string,
  { keyring }: FactorOptions,
): Promise<boolean> {
  const codes = await Credential.find({ userId, type: TYPE }, { codeHash: 1 }, { session: tx }).lean();
  const given = hashOf(userId, code);
  const matching = codes.find(
    (each) => each.codeHash != null && timingSafeEqual(openBytes(keyring, Credential, each, 'codeHash'), given),
  );
  const used = matching && (await Credential.deleteOne({ _id: matching._id }, { session: tx }));
  if (!used?.deletedCount) return false;
  const left = codes.length - 1;
  const user = await User.findOne({ _id: userId }, { email: 1 }, { session: tx }).lean();
  if (user) {
    const data = { ...noticeOf(origin), left };
    await enqueueMail(tx, keyring, { template: 'recovery-code-used', to: user.email, data }, userId);
  }
  return true;
}

/** Without a second factor there is nothing that they would stand in for. */
export async function dropRecoveryCodes(tx: ClientSession, userId: Types.ObjectId): Promise<void> {
  await Credential.deleteMany({ userId, type: TYPE }, { session: tx });
}
