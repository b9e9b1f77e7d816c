import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { ClientSession } from 'mongoose';
import { transaction } from '../database.ts';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import { ACCESS_TOKEN_SECONDS } from '../lib/access-token.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type AuditOrigin, recordAuditEvents, SYSTEM } from './audit-event.ts';
import { seal } from './sensitive.ts';
import { SigningKey, type SigningKeyRecord } from './signing-key.ts';

const DAY_MS = 86_400_000;

/** A key signs for this long before the next one takes over. */
const SIGNING_MS = 30 * DAY_MS;

/**
 * The next key is published this long before it signs: many times what a list of keys may be kept for, by instances
 * (`LIST_MAX_AGE_MS`) as well as by those who check tokens elsewhere (`Cache-Control` of the JWKS).
 */
const PUBLISHED_AHEAD_MS = 2 * DAY_MS;

/** By how much the clocks of instances may differ: one may sign with the old key for so long after another stopped. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** A rotation and an emergency at once may want the same generation; the one that lost begins again. */
const RETIREMENT_TRIES = 5;

/** All keys, oldest first. By the index, as there is no key of generation 0. */
export const findSigningKeys = (tx?: ClientSession): Promise<SigningKeyRecord[]> =>
  SigningKey.find({ generation: { $gt: 0 } })
    .sort({ generation: 1 })
    .session(tx ?? null)
    .lean<SigningKeyRecord[]>()
    .exec();

/** Which of these keys, oldest first, signs at that time. */
export const signerAt = <K extends Pick<SigningKeyRecord, 'activatesAt'>>(
  keys: readonly K[],
  time: number,
): K | undefined => keys.findLast(({ activatesAt }) => activatesAt.getTime() <= time) ?? keys[0];

/**
 * Makes the next key when the newest one is about to have served its time, or the first one where there is none. The
 * unique generation lets one of several instances through.
 * @returns whether this call made one
 */
export async function prepareSigningKey(keyring: Keyring): Promise<boolean> {
  const now = Date.now();
  const newest = (await findSigningKeys()).at(-1);
  const handover = newest && newest.activatesAt.getTime() + SIGNING_MS;
  if (handover !== undefined && handover - PUBLISHED_AHEAD_MS > now) return false;
  // Also late, after a time without any instance, nobody meets a token whose key they could not have known.
  const activatesAt = handover === undefined ? now : Math.max(handover, now + PUBLISHED_AHEAD_MS);
  const next = await newKey(keyring, (newest?.generation ?? 0) + 1, activatesAt);
  try {
    await transaction(async (tx) => {
      await SigningKey.create([next], { session: tx });
      const expiresAt = new Date(activatesAt + CLOCK_TOLERANCE_MS + ACCESS_TOKEN_SECONDS * 1000);
      if (newest) await SigningKey.updateOne({ _id: newest._id }, { $set: { expiresAt } }, { session: tx });
      await recordAuditEvents(tx, SYSTEM, [created(next._id)]);
    });
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

export interface Retirement {
  /** The keys that are not trusted any more. */
  readonly retired: readonly string[];
  /** The key that took over at once, if one of those was signing. */
  readonly successor?: string;
}

/**
 * Ends the trust in a key, or in all of them, that foreign hands may hold. If it was the one that signs, a new one signs
 * at once. One that waits for its time goes with it: whoever got at a key that signs may have got at that one too, and it
 * has signed nothing that anybody would miss.
 * @throws {AppError} `not-found` when there is no such key
 */
export async function retireSigningKeys(
  origin: AuditOrigin,
  which: { readonly kid: string } | 'all',
  options: { readonly keyring: Keyring; readonly reason?: string },
): Promise<Retirement> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transaction((tx) => retire(tx, origin, which, options));
    } catch (error) {
      if (!isDuplicateKey(error) || tries === RETIREMENT_TRIES) throw error;
    }
  }
}

async function retire(
  tx: ClientSession,
  origin: AuditOrigin,
  which: { readonly kid: string } | 'all',
  { keyring, reason }: { readonly keyring: Keyring; readonly reason?: string },
): Promise<Retirement> {
  const now = Date.now();
  const keys = await findSigningKeys(tx);
  const named = which === 'all' ? keys : keys.filter(({ _id }) => _id === which.kid);
  if (named.length === 0) throw new AppError('not-found');
  const signer = signerAt(keys, now);
  const replaces = named.some((key) => key === signer);
  const waiting = ({ activatesAt }: SigningKeyRecord): boolean => activatesAt.getTime() > now;
  const retired = keys.filter((key) => named.includes(key) || (replaces && waiting(key))).map(({ _id }) => _id);
  await SigningKey.deleteMany({ _id: { $in: retired } }, { session: tx });
  const told = retired.map((kid) => ({
    action: 'signing-key.retired' as const,
    target: { collection: 'signing_keys', name: kid },
    ...(reason !== undefined && { note: reason }),
  }));
  const teller = { ...origin, keyring };
  if (!replaces) {
    // It had an end if one that waited is gone now: until there is another, it has none.
    const newest = keys.findLast(({ _id }) => !retired.includes(_id));
    if (newest) await SigningKey.updateOne({ _id: newest._id }, { $unset: { expiresAt: 1 } }, { session: tx });
    await recordAuditEvents(tx, teller, told);
    return { retired };
  }
  // For instances whose clock is behind, too.
  const activatesAt = now - CLOCK_TOLERANCE_MS;
  const successor = await newKey(keyring, (keys.at(-1)?.generation ?? 0) + 1, activatesAt);
  await SigningKey.create([successor], { session: tx });
  await recordAuditEvents(tx, teller, [...told, created(successor._id)]);
  return { retired, successor: successor._id };
}

const created = (kid: string) => ({
  action: 'signing-key.created' as const,
  target: { collection: 'signing_keys', name: kid },
});

async function newKey(keyring: Keyring, generation: number, activatesAt: number): Promise<SigningKeyRecord> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const _id = await calculateJwkThumbprint(publicJwk);
  const sealed = seal(keyring, SigningKey, _id, { privateJwk: await exportJWK(privateKey) });
  return { _id, generation, publicJwk, ...sealed, createdAt: new Date(), activatesAt: new Date(activatesAt) };
}
