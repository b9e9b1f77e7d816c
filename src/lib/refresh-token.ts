/**
 * Refresh tokens: opaque to clients, 64 characters, derived and therefore never stored.
 *
 *     base64url( session id, 12 bytes | rotation, uint32 big-endian | secret, 32 bytes )
 *     secret = HMAC-SHA256( key derived from the keyring, session id | rotation | seed of the session, 32 bytes )
 *
 * Because the secret is derived, a client whose response was lost can be given the very same successor again. Because
 * the key is never in the database and the seed never on the wire, neither a dump nor a token yields the next token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Keyring } from './keyring.ts';

/** What one token of a session is derived from. */
export interface RefreshTokenSource {
  /** 24 lower-case hex characters. */
  readonly sessionId: string;
  /** How often the session has been refreshed: 0 to 2^32 − 1. */
  readonly rotation: number;
  /** 32 random bytes, made with the session. */
  readonly seed: Uint8Array;
}

export interface ParsedRefreshToken {
  readonly sessionId: string;
  readonly rotation: number;
  readonly secret: Buffer;
}

const PURPOSE = 'refresh-token';
const ID_BYTES = 12;
const HEAD_BYTES = ID_BYTES + 4;
const SEED_BYTES = 32;
const MAX_ROTATION = 2 ** 32 - 1;
/** 48 bytes fill 64 characters exactly: every token has one spelling only. */
const WIRE_FORM = /^[A-Za-z0-9_-]{64}$/;
const SESSION_ID = /^[0-9a-f]{24}$/;

/** The token of one rotation, under the writing key. Throws a RangeError when the source is out of shape. */
export function mintRefreshToken(keyring: Keyring, source: RefreshTokenSource): string {
  return encode(source, keyring.mac(PURPOSE, macInput(source)));
}

/**
 * The token of one rotation whose hash is the given one, under whichever key of the ring it was minted: so a retry
 * gets the same successor also when the keyring was rotated in between. Undefined when no key yields it.
 */
export function recoverRefreshToken(keyring: Keyring, source: RefreshTokenSource, hash: string): string | undefined {
  return candidates(keyring, source).find((token) => hashRefreshToken(token) === hash);
}

/** The id of the key under which the token with this hash was minted. Undefined when the ring lacks it. */
export function keyOfRefreshToken(keyring: Keyring, source: RefreshTokenSource, hash: string): string | undefined {
  return keyring.keyIds[candidates(keyring, source).findIndex((token) => hashRefreshToken(token) === hash)];
}

/** The token of one rotation under each key, in the order of the ring. */
const candidates = (keyring: Keyring, source: RefreshTokenSource): string[] =>
  keyring.macs(PURPOSE, macInput(source)).map((secret) => encode(source, secret));

/** The parts that a token claims, or undefined when it is malformed. Nothing is proven yet: see isAuthentic. */
export function parseRefreshToken(token: string): ParsedRefreshToken | undefined {
  if (!WIRE_FORM.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  return {
    sessionId: bytes.toString('hex', 0, ID_BYTES),
    rotation: bytes.readUInt32BE(ID_BYTES),
    secret: bytes.subarray(HEAD_BYTES),
  };
}

/** Whether this service made the token for the session that the seed belongs to, with any key of the ring. */
export function isAuthentic(keyring: Keyring, { secret, ...claims }: ParsedRefreshToken, seed: Uint8Array): boolean {
  return keyring.macs(PURPOSE, macInput({ ...claims, seed })).some((mac) => timingSafeEqual(mac, secret));
}

/** What the database keeps of a token: SHA-256, base64url (43 characters). The token has 256 random bits: no salt. */
export function hashRefreshToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** All parts have fixed lengths, so that no two sources give the same bytes. */
function macInput(source: RefreshTokenSource): Buffer {
  if (source.seed.length !== SEED_BYTES) throw new RangeError(`The seed of a session has ${SEED_BYTES} bytes`);
  return Buffer.concat([head(source), source.seed]);
}

function head({ sessionId, rotation }: Omit<RefreshTokenSource, 'seed'>): Buffer {
  if (!SESSION_ID.test(sessionId)) throw new RangeError('A session id has 24 lower-case hex characters');
  if (!Number.isInteger(rotation) || rotation < 0 || rotation > MAX_ROTATION) {
    throw new RangeError(`A rotation is an integer from 0 to ${MAX_ROTATION}`);
  }
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.write(sessionId, 'hex');
  bytes.writeUInt32BE(rotation, ID_BYTES);
  return bytes;
}

function encode(source: RefreshTokenSource, secret: Uint8Array): string {
  return Buffer.concat([head(source), secret]).toString('base64url');
}
