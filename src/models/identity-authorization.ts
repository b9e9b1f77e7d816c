import { createHash } from 'node:crypto';
import type { ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import type { Pending, Proven } from '../lib/identity/provider.ts';
import type { Keyring } from '../lib/keyring.ts';
import { consumeToken, issueToken } from './one-time-token.ts';

/** How long a person may take at the provider. */
const AUTHORIZATION_SECONDS = 10 * 60;

/** How long a client may take to exchange a code: it has it at hand. */
const CODE_SECONDS = 60;

const PURPOSE = 'identity-authorization';

/** What somebody who is on the way to a provider started with. */
export interface Authorization {
  readonly provider: string;
  readonly pending: Pending;
  /** The secret of the browser that began, as a hash; absent where the session has the last word. */
  readonly browser?: string;
  /** Where the browser goes in the end; without it the callback answers itself. */
  readonly redirectTo?: string;
  /** RFC 7636, S256: whoever exchanges the code must know what this is the hash of. */
  readonly codeChallenge?: string;
  /** The session that asked to link the provider to its account, instead of signing in. */
  readonly session?: string;
}

/** Somebody who has come back from a provider, and is known. */
interface Arrival extends Pick<Authorization, 'codeChallenge' | 'session'> {
  readonly proven: Proven;
}

/** Both are tokens of one purpose, so each says which step it opens. */
type Step = { readonly begun: Authorization } | { readonly arrived: Arrival };

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/**
 * Remembers a sign-in that begins. On the server: the provider's answer may come by a request that brings no cookies.
 * @returns the `state`
 */
export const rememberAuthorization = (
  keyring: Keyring,
  begun: Authorization,
  userId?: Types.ObjectId,
): Promise<string> => issue(keyring, AUTHORIZATION_SECONDS, { begun }, userId);

/**
 * Uses up the `state` of a provider's answer, whatever becomes of it.
 * @returns null unless it was made for this provider, in the browser that has this secret
 */
export async function takeAuthorization(
  keyring: Keyring,
  state: string,
  { provider, browser }: { readonly provider: string; readonly browser: string | undefined },
): Promise<(Authorization & { readonly userId: Types.ObjectId | undefined }) | null> {
  const used = await transaction((tx) => consumeToken<Step>(tx, keyring, PURPOSE, state));
  if (!used || !('begun' in used.payload)) return null;
  const { begun } = used.payload;
  if (begun.provider !== provider) return null;
  const sameBrowser = begun.browser === undefined || (browser !== undefined && begun.browser === hashOf(browser));
  return sameBrowser ? { ...begun, userId: used.userId } : null;
}

/** Keeps who has arrived until the client asks. @returns the code to ask with */
export const rememberArrival = (keyring: Keyring, arrived: Arrival, userId?: Types.ObjectId): Promise<string> =>
  issue(keyring, CODE_SECONDS, { arrived }, userId);

/**
 * Exchanges the code of a sign-in.
 * @returns null for one that is used up, expired or of a link, and for whoever does not know the verifier
 */
export async function exchangeForSignIn(
  tx: ClientSession,
  keyring: Keyring,
  code: string,
  codeVerifier: string,
): Promise<Proven | null> {
  const arrived = await takeArrival(tx, keyring, code);
  if (!arrived || arrived.session !== undefined) return null;
  return arrived.codeChallenge === hashOf(codeVerifier) ? arrived.proven : null;
}

/** Exchanges the code of a link, in the very session that began it: nobody is linked to somebody else's account. */
export async function exchangeForLink(
  tx: ClientSession,
  keyring: Keyring,
  code: string,
  session: Types.ObjectId,
): Promise<Proven | null> {
  const arrived = await takeArrival(tx, keyring, code);
  return arrived?.session === session.toHexString() ? arrived.proven : null;
}

async function takeArrival(tx: ClientSession, keyring: Keyring, code: string): Promise<Arrival | null> {
  const used = await consumeToken<Step>(tx, keyring, PURPOSE, code);
  return used && 'arrived' in used.payload ? used.payload.arrived : null;
}

const issue = (keyring: Keyring, seconds: number, payload: Step, userId?: Types.ObjectId): Promise<string> =>
  issueToken(undefined, keyring, { purpose: PURPOSE, seconds, payload, ...(userId && { userId }) });
