import { type CryptoKey, importJWK, type JWK } from 'jose';
import { isDatabaseOutOfReach } from '../database-errors.ts';
import type { SigningPair } from '../lib/access-token.ts';
import type { Keyring } from '../lib/keyring.ts';
import { openJson } from './sensitive.ts';
import { SigningKey, type SigningKeyRecord } from './signing-key.ts';
import { findSigningKeys, prepareSigningKey, signerAt } from './signing-key-rotation.ts';

/** No decision is made by a list that is older: within this time every instance has heard of a key that was retired. */
const LIST_MAX_AGE_MS = 60_000;

/** A token with an unknown key may be newer than this instance's list; but foreign tokens must not cost a query each. */
const RELOAD_INTERVAL_MS = 5_000;

/** A public key as RFC 7517 and RFC 8037 write it. */
interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

/** The signing keys as one instance knows them. */
export interface SigningKeys {
  /**
   * The key that signs now.
   * @throws DecryptionError when the keyring does not open it
   */
  current(): Promise<SigningPair>;
  /** The public key of a token's `kid`; looks again in the database for one that another instance made. */
  find(kid: string): Promise<CryptoKey | undefined>;
  /** What verifies tokens elsewhere: the keys of all that live, and the one that signs next. */
  published(): Promise<readonly PublicJwk[]>;
  /**
   * Makes the next key when it is due; several instances may try at once.
   * @returns whether this one made it
   * @throws DecryptionError when the keyring does not open a key that will sign: days before it has to
   */
  rotate(): Promise<boolean>;
}

interface KnownKey {
  readonly record: SigningKeyRecord;
  readonly activatesAt: Date;
  readonly publicKey: CryptoKey;
  /** Once it has been opened. */
  pair?: SigningPair;
}

/**
 * Loads the keys, making the first one where there is none.
 * @throws DecryptionError when the keyring does not open the one that signs, or the one that will
 */
export async function openSigningKeys(keyring: Keyring): Promise<SigningKeys> {
  const keys = new KeyList(keyring);
  await keys.look();
  await keys.openSigners();
  return keys;
}

/** Each time is compared with the clock when it matters, so that all instances hand over to the next key at once. */
class KeyList implements SigningKeys {
  readonly #keyring: Keyring;
  /** By id, oldest first. */
  #keys: ReadonlyMap<string, KnownKey> = new Map();
  #loadedAt = 0;
  #loading: Promise<void> | undefined;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  async current(): Promise<SigningPair> {
    await this.#refresh();
    const signer = signerAt([...this.#keys.values()], Date.now());
    if (!signer) throw new Error('there is no signing key');
    return this.#open(signer);
  }

  async find(kid: string): Promise<CryptoKey | undefined> {
    if (this.#isOlderThan(LIST_MAX_AGE_MS)) await this.look();
    if (!this.#keys.has(kid) && this.#isOlderThan(RELOAD_INTERVAL_MS)) await this.look();
    const key = this.#keys.get(kid);
    return key && lives(key) ? key.publicKey : undefined;
  }

  async published(): Promise<readonly PublicJwk[]> {
    await this.#refresh().catch((error: unknown) => {
      // Nobody retires a key meanwhile; and while this service is out of order, others may go on checking its tokens.
      if (!isDatabaseOutOfReach(error)) throw error;
    });
    return [...this.#keys.values()].filter(lives).map(({ record }) => publicJwkOf(record));
  }

  async rotate(): Promise<boolean> {
    const made = await prepareSigningKey(this.#keyring);
    await this.look();
    await this.openSigners();
    return made;
  }

  /** Opens the key that signs and those that will. */
  async openSigners(): Promise<void> {
    const signer = signerAt([...this.#keys.values()], Date.now());
    for (const key of this.#keys.values()) {
      if (key === signer || key.activatesAt.getTime() > Date.now()) await this.#open(key);
    }
  }

  /** One look for all who wait for it. One that fails tells nothing of any key, so the next may look again. */
  look(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const startedAt = Date.now();
    let records = await findSigningKeys();
    if (records.length === 0) {
      await prepareSigningKey(this.#keyring);
      records = await findSigningKeys();
    }
    const known = await Promise.all(records.map((record) => this.#know(record)));
    this.#keys = new Map(known.map((key) => [key.record._id, key]));
    this.#loadedAt = startedAt;
  }

  /** A key never changes, only its times do: it is read once. */
  async #know(record: SigningKeyRecord): Promise<KnownKey> {
    const { publicKey = await importKey(publicJwkOf(record)), pair } = this.#keys.get(record._id) ?? {};
    return { record, activatesAt: record.activatesAt, publicKey, ...(pair && { pair }) };
  }

  async #open(key: KnownKey): Promise<SigningPair> {
    const { _id: kid } = key.record;
    if (!key.pair) {
      const privateJwk = openJson(this.#keyring, SigningKey, key.record, 'privateJwk');
      key.pair = { kid, privateKey: await importKey(privateJwk as JWK) };
    }
    return key.pair;
  }

  async #refresh(): Promise<void> {
    if (this.#isOlderThan(LIST_MAX_AGE_MS)) await this.look();
  }

  /** In either direction: a clock that was set back must not keep a list for longer. */
  #isOlderThan(ms: number): boolean {
    return Math.abs(Date.now() - this.#loadedAt) > ms;
  }
}

/** Compared here: the list outlives what a TTL index removes. */
const lives = ({ record: { expiresAt } }: KnownKey): boolean => !expiresAt || expiresAt.getTime() > Date.now();

/** Member by member: nothing else is ever published, or verified with. */
const publicJwkOf = ({ _id, publicJwk }: SigningKeyRecord): PublicJwk => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: String(publicJwk.x),
  kid: _id,
  alg: 'EdDSA',
  use: 'sig',
});

async function importKey(jwk: JWK | PublicJwk): Promise<CryptoKey> {
  const key = await importJWK({ ...jwk }, 'EdDSA');
  if (key instanceof Uint8Array) throw new Error('a signing key is not an asymmetric key');
  return key;
}
