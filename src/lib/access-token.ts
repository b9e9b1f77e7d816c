import { type CryptoKey, errors, jwtVerify, SignJWT } from 'jose';

/** RFC 9068: the type of an access token, so that no other JWT of the same issuer passes for one. */
const TOKEN_TYPE = 'at+jwt';
const ALGORITHM = 'EdDSA';

export const ACCESS_TOKEN_SECONDS = 600;

/** What an access token says: subject, session, roles and methods of authentication (RFC 8176). */
export interface AccessClaims {
  readonly sub: string;
  readonly sid: string;
  readonly roles: readonly string[];
  readonly amr: readonly string[];
}

/** A key that signs, with the id by which its public half is found. */
export interface SigningPair {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

export interface TokenParties {
  /** `PUBLIC_URL`: issuer and audience alike, as the tokens are for the service itself and those that trust it. */
  readonly issuer: string;
}

/** Signs an access token that lives for ten minutes. */
export async function signAccessToken(
  { kid, privateKey }: SigningPair,
  { sub, ...claims }: AccessClaims,
  { issuer }: TokenParties,
): Promise<{ accessToken: string; expiresAt: Date }> {
  const issuedAt = Math.floor(Date.now() / 1000);
  const accessToken = await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE, kid })
    .setSubject(sub)
    .setIssuer(issuer)
    .setAudience(issuer)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ACCESS_TOKEN_SECONDS)
    .sign(privateKey);
  return { accessToken, expiresAt: new Date((issuedAt + ACCESS_TOKEN_SECONDS) * 1000) };
}

/** What a verified token proves; `expiresAt` in milliseconds since the epoch. */
export interface VerifiedToken {
  /** The key that it was verified with. */
  readonly kid: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly expiresAt: number;
}

const OBJECT_ID = /^[0-9a-f]{24}$/;

/**
 * Verifies signature, algorithm, type, issuer, audience and expiry; `undefined` for whatever is not one of our tokens.
 * An error of `findKey` itself (the database is out of reach) is thrown on: it says nothing about the token.
 */
export async function verifyAccessToken(
  token: string,
  findKey: (kid: string) => Promise<CryptoKey | undefined>,
  { issuer }: TokenParties,
): Promise<VerifiedToken | undefined> {
  try {
    const keyOf = async ({ kid = '' }: { readonly kid?: string }) => (await findKey(kid)) ?? unknownKey();
    const { payload, protectedHeader } = await jwtVerify(token, keyOf, {
      algorithms: [ALGORITHM],
      typ: TOKEN_TYPE,
      issuer,
      audience: issuer,
      requiredClaims: ['sub', 'sid', 'exp'],
    });
    const { sub = '', sid, exp = 0 } = payload;
    if (!OBJECT_ID.test(sub) || typeof sid !== 'string' || !OBJECT_ID.test(sid)) return undefined;
    return { kid: protectedHeader.kid ?? '', userId: sub, sessionId: sid, expiresAt: exp * 1000 };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function unknownKey(): never {
  throw new errors.JWKSNoMatchingKey();
}
