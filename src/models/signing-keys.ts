import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { isDuplicateKey } from '../database-errors.ts';
import { ACCESS_TOKEN_SECONDS, type SigningPair } from '../lib/access-token.ts';
import type { Keyring } from '../lib/keyring.ts';
import { SigningKey, type SigningKeyRecord } from './signing-key.ts';

/** A key signs for this long before a new one takes over. */
const SIGNING_KEY_DAYS = 30;

/** A token with an unknown key may be newer than this instance's list; but foreign tokens must not cost a query each. */
const RELOAD_INTERVAL_MS = 5_000;

/** The signing keys as one instance knows them. */
export interface SigningKeys {
  /** The key that signs now. */
  current(): SigningPair;
  /** The public key of a token's `kid`; looks again in the database for one that another instance made. */
  find(kid: string): Promise<CryptoKey | undefined>;
  /** Makes the next key if the newest is older than `SIGNING_KEY_DAYS`; several instances may try at once. */
  rotate(): Promise<boolean>;
}

const placeOf = (kid: string) => ({ collection: 'signing_keys', record: kid, field: 'privateJwk' });

/**
 * Loads the keys, making the first one where there is none.
 * @throws DecryptionError when the keyring lacks the key that encrypted them
 */
export async function openSigningKeys(keyring: Keyring): Promise<SigningKeys> {
  let current: SigningPair;
  let publicKeys = new Map<string, PublicKey>();
  let loadedAt = 0;
  let loading: Promise<void> | undefined;

  async function load(): Promise<void> {
    let records = await SigningKey.find().sort({ generation: -1 }).lean<SigningKeyRecord[]>();
    if (records.length === 0) {
      await createKey(keyring, 1);
      records = await SigningKey.find().sort({ generation: -1 }).lean<SigningKeyRecord[]>();
    }
    const [newest] = records;
    if (!newest) throw new Error('the signing key that was just made is gone');
    publicKeys = new Map(
      await Promise.all(records.map(async (record) => [record._id, await publicKeyOf(record)] as const)),
    );
    const privateJwk = keyring.decrypt(newest.privateJwk, placeOf(newest._id)).toString();
    current = { kid: newest._id, privateKey: await importKey(JSON.parse(privateJwk)) };
    loadedAt = Date.now();
  }

  /** One look for all who wait for it. One that fails tells nothing of any key, so the next may look again. */
  function look(): Promise<void> {
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  await load();
  return {
    current: () => current,
    async find(kid) {
      if (!publicKeys.has(kid) && Date.now() - loadedAt > RELOAD_INTERVAL_MS) await look();
      const { key, expiresAt = Number.POSITIVE_INFINITY } = publicKeys.get(kid) ?? {};
      // Compared here: this list outlives what a TTL index removes.
      return expiresAt > Date.now() ? key : undefined;
    },
    async rotate() {
      const made = await rotateKeys(keyring);
      await load();
      return made;
    },
  };
}

interface PublicKey {
  readonly key: CryptoKey;
  /** Milliseconds since the epoch, once a newer key has taken over. */
  readonly expiresAt?: number;
}

const publicKeyOf = async ({ publicJwk, expiresAt }: SigningKeyRecord): Promise<PublicKey> => ({
  key: await importKey(publicJwk),
  ...(expiresAt && { expiresAt: expiresAt.getTime() }),
});

async function rotateKeys(keyring: Keyring): Promise<boolean> {
  const newest = await SigningKey.findOne().sort({ generation: -1 }).lean<SigningKeyRecord>();
  const due = Date.now() - SIGNING_KEY_DAYS * 86_400_000;
  if (newest && newest.createdAt.getTime() > due) return false;
  const made = await createKey(keyring, (newest?.generation ?? 0) + 1);
  // Other instances learn of the new key within a day at the latest: until then they sign with the old one.
  const expiresAt = new Date(Date.now() + 2 * 86_400_000 + ACCESS_TOKEN_SECONDS * 1000);
  if (made && newest) await SigningKey.updateOne({ _id: newest._id }, { $set: { expiresAt } });
  return made;
}

/** The unique generation lets one of several instances through. */
async function createKey(keyring: Keyring, generation: number): Promise<boolean> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateJwk = keyring.encrypt(JSON.stringify(await exportJWK(privateKey)), placeOf(kid));
  try {
    await SigningKey.create({ _id: kid, generation, publicJwk, privateJwk, createdAt: new Date() });
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, 'EdDSA');
  if (key instanceof Uint8Array) throw new Error('a signing key is not an asymmetric key');
  return key;
}
