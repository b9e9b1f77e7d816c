/**
 * The keyring: the secrets of the service that are never in its database.
 *
 * Fields are encrypted with AES-256-GCM, and every ciphertext is bound to the place where it is stored: moved to
 * another record or field, it no longer opens. Keys rotate: the first key writes, the others only read.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** Where an encrypted value is stored. Every part is non-empty; `record` is the id of the document. */
export interface FieldContext {
  readonly collection: string;
  readonly record: string;
  readonly field: string;
}

/** The place of a field in a stored document, by the document's `_id`: all that is stored is bound to one made here. */
export const placeOf = (collection: string, id: string | { toHexString(): string }, field: string): FieldContext => ({
  collection,
  record: String(id),
  field,
});

export interface Keyring {
  /** The ids of its keys, the writing one first. */
  readonly keyIds: readonly string[];
  /** Encrypts for one place. A string is taken as UTF-8. Throws a TypeError for a lone surrogate or an empty context. */
  encrypt(plaintext: string | Uint8Array, context: FieldContext): string;
  /** Opens what `encrypt` made for the same place; throws a DecryptionError for anything else. */
  decrypt(ciphertext: string, context: FieldContext): Buffer;
  /** The id of the key that a ciphertext says it was made with. Throws a DecryptionError when it is none. */
  keyIdOf(ciphertext: string): string;
  /** Whether another key than the writing one made this ciphertext. Throws a DecryptionError when it is none. */
  needsRotation(ciphertext: string): boolean;
  /** HMAC-SHA256 (32 bytes) under a subkey of the writing key, one subkey for each purpose. */
  mac(purpose: string, data: string | Uint8Array): Buffer;
  /** The same under every key, in the order of `keyIds`: to recognise what an older key signed. */
  macs(purpose: string, data: string | Uint8Array): readonly Buffer[];
}

/** The specification of a keyring is unusable. The message names the entry by its position or id, never its key. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
}

/** A ciphertext does not open here: malformed, altered, moved, or made by a key that this keyring lacks. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
}

/** For documentation and examples. Whoever reads this file knows its key, so production refuses it. */
export const SAMPLE_KEYRING = `sample:${Buffer.from('roster sample key, not a secret!').toString('base64')}`;

const VERSION = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** No dot, colon or comma: those separate the parts of a ciphertext and of a specification. */
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
/** What every ciphertext looks like, for the database to refuse what is none: 38 characters hold nonce and tag. */
export const CIPHERTEXT_PATTERN = '^v1\\.[A-Za-z0-9_-]{1,32}\\.[A-Za-z0-9_-]{38,}$';
const LONE_SURROGATE = /\p{Surrogate}/u;

interface Key {
  readonly id: string;
  readonly secret: Buffer;
  /** Subkeys of MACs by purpose, derived once: requests need them, and purposes are few words of this program. */
  readonly macKeys: Map<string, KeyObject>;
}

interface Envelope {
  readonly keyId: string;
  readonly nonce: Buffer;
  readonly body: Buffer;
  readonly tag: Buffer;
}

/** A specification with one new random key, whose id is unlikely to meet another one when keyrings are merged. */
export function generateKeyringSpec(): string {
  return `k${randomBytes(4).toString('hex')}:${randomBytes(KEY_BYTES).toString('base64')}`;
}

/** Whether a (valid) specification holds the published sample key, under whatever id and in whatever place. */
export function holdsSampleKey(spec: string): boolean {
  const sample = parseEntries(SAMPLE_KEYRING).map((key) => key.secret);
  return parseEntries(spec).some((key) => sample.some((secret) => timingSafeEqual(secret, key.secret)));
}

/** Reads `id:base64key,…` (32-byte keys, the first one writes). Throws a KeyringError that says what is wrong. */
export function parseKeyring(spec: string): Keyring {
  const keys = parseEntries(spec);
  const [writing] = keys;
  if (writing === undefined) throw new KeyringError('The keyring is empty');
  const encryptionKeys = new Map(keys.map((key) => [key.id, subkey(key, 'encryption')]));

  return Object.freeze({
    keyIds: Object.freeze(keys.map(({ id }) => id)),
    encrypt: (plaintext: string | Uint8Array, context: FieldContext) =>
      seal(writing.id, encryptionKey(encryptionKeys, writing.id), plaintext, context),
    decrypt: (ciphertext: string, context: FieldContext) => {
      const envelope = openEnvelope(ciphertext);
      return unseal(envelope, encryptionKey(encryptionKeys, envelope.keyId), context);
    },
    keyIdOf: (ciphertext: string) => openEnvelope(ciphertext).keyId,
    needsRotation: (ciphertext: string) => openEnvelope(ciphertext).keyId !== writing.id,
    mac: (purpose: string, data: string | Uint8Array) => hmac(writing, purpose, data),
    macs: (purpose: string, data: string | Uint8Array) => keys.map((key) => hmac(key, purpose, data)),
  });
}

function parseEntries(spec: string): Key[] {
  const keys = spec.split(',').map((entry, index) => parseEntry(entry.trim(), index + 1));
  for (const [index, key] of keys.entries()) {
    const earlier = keys.slice(0, index);
    if (earlier.some((other) => other.id === key.id)) throw new KeyringError(`Key id '${key.id}' appears twice`);
    const twin = earlier.find((other) => timingSafeEqual(other.secret, key.secret));
    // Rotating to the same key under a new name would look done and protect nothing.
    if (twin) throw new KeyringError(`Keys '${twin.id}' and '${key.id}' are the same key`);
  }
  return keys;
}

function parseEntry(entry: string, position: number): Key {
  const colon = entry.indexOf(':');
  if (colon < 0) throw new KeyringError(`Entry ${position} of the keyring is not of the form id:base64key`);
  const id = entry.slice(0, colon);
  if (!KEY_ID.test(id)) {
    throw new KeyringError(`The id of entry ${position} must be 1 to 32 letters, digits, hyphens or underscores`);
  }
  const secret = decodeKey(entry.slice(colon + 1));
  if (secret === undefined) throw new KeyringError(`Key '${id}' is not base64`);
  if (secret.length !== KEY_BYTES) {
    throw new KeyringError(`Key '${id}' has ${secret.length} bytes; it must have ${KEY_BYTES}`);
  }
  if (secret.every((byte) => byte === secret[0])) throw new KeyringError(`Key '${id}' is not random`);
  return { id, secret, macKeys: new Map() };
}

/** Both alphabets are taken, because tools that make keys differ; Buffer alone would skip over any stray character. */
function decodeKey(text: string): Buffer | undefined {
  const unpadded = text
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  const bytes = Buffer.from(unpadded, 'base64url');
  return bytes.toString('base64url') === unpadded ? bytes : undefined;
}

/** One key of the ring serves many uses, each under a subkey of its own, so that no use weakens another. */
function subkey(key: Key, use: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key.secret, '', `roster/${VERSION}/${use}`, KEY_BYTES)));
}

function hmac(key: Key, purpose: string, data: string | Uint8Array): Buffer {
  if (purpose === '') throw new TypeError('A MAC needs a purpose');
  const macKey = key.macKeys.get(purpose) ?? subkey(key, `mac/${purpose}`);
  key.macKeys.set(purpose, macKey);
  return createHmac('sha256', macKey).update(data).digest();
}

function encryptionKey(keys: ReadonlyMap<string, KeyObject>, id: string): KeyObject {
  const key = keys.get(id);
  if (key === undefined) throw new DecryptionError(`The ciphertext was made with key '${id}', which the keyring lacks`);
  return key;
}

/** A random 96-bit nonce is safe for 2^32 messages under one key; a keyring rotates long before that. */
function seal(keyId: string, key: KeyObject, plaintext: string | Uint8Array, context: FieldContext): string {
  if (typeof plaintext === 'string' && LONE_SURROGATE.test(plaintext)) {
    throw new TypeError('A lone surrogate has no UTF-8 form, so it would not come back from decryption');
  }
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData(keyId, context));
  const bytes = typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext;
  const sealed = Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return `${VERSION}.${keyId}.${sealed.toString('base64url')}`;
}

function unseal(envelope: Envelope, key: KeyObject, context: FieldContext): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, envelope.nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData(envelope.keyId, context));
  decipher.setAuthTag(envelope.tag);
  try {
    return Buffer.concat([decipher.update(envelope.body), decipher.final()]);
  } catch (cause) {
    const place = `${context.collection}.${context.field}`;
    throw new DecryptionError(`The ciphertext in ${place} was altered or moved there`, { cause });
  }
}

function openEnvelope(ciphertext: string): Envelope {
  const [version, keyId, encoded, ...rest] = ciphertext.split('.');
  const wellFormed = version === VERSION && keyId !== undefined && encoded !== undefined && rest.length === 0;
  if (!wellFormed || !KEY_ID.test(keyId)) throw new DecryptionError('The value is not a ciphertext of this keyring');
  const bytes = Buffer.from(encoded, 'base64url');
  // Only the canonical spelling counts: otherwise one ciphertext would have several, and a change could go unnoticed.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== encoded) {
    throw new DecryptionError('The ciphertext is damaged');
  }
  return {
    keyId,
    nonce: bytes.subarray(0, NONCE_BYTES),
    body: bytes.subarray(NONCE_BYTES, -TAG_BYTES),
    tag: bytes.subarray(-TAG_BYTES),
  };
}

/** Each part carries its length: ('ab', 'c') and ('a', 'bc') must not be the same place. */
function additionalData(keyId: string, { collection, record, field }: FieldContext): Buffer {
  if ([collection, record, field].some((part) => part === '' || LONE_SURROGATE.test(part))) {
    throw new TypeError('A field context names a collection, a record and a field');
  }
  const parts = [VERSION, keyId, collection, record, field].flatMap((part) => {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}
