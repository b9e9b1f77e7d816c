import { Secret, TOTP } from 'otpauth';

/** What authenticator apps support, all of them: RFC 6238 with SHA-1, six digits and steps of 30 seconds. */
const PARAMETERS = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** RFC 4226 recommends 160 bits. */
const SECRET_BYTES = 20;

/** Steps before and after the present one whose codes are taken: for clocks that differ, and people who type. */
const WINDOW = 1;

const CODE = /^\d{6}$/;

/** A new shared secret, in base32 as apps take it. */
export const newTotpSecret = (): string => new Secret({ size: SECRET_BYTES }).base32;

/** The secret with its parameters as a URI, which an app reads from a QR code. */
export const totpUri = (secret: string, issuer: string, account: string): string =>
  new TOTP({ ...PARAMETERS, secret: Secret.fromBase32(secret), issuer, label: account }).toString();

/** The time step whose code this is, if it is one of those around `now`; apps show a space in the middle. */
export function matchingStep(secret: string, given: string, now = Date.now()): number | undefined {
  const code = given.replace(/\s/g, '');
  if (!CODE.test(code)) return undefined;
  const totp = new TOTP({ ...PARAMETERS, secret: Secret.fromBase32(secret) });
  const delta = totp.validate({ token: code, timestamp: now, window: WINDOW });
  return delta === null ? undefined : totp.counter({ timestamp: now }) + delta;
}
