import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { ClientSession, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import {
  CEREMONY_SECONDS,
  CeremonyError,
  challengeOf,
  creationOptions,
  type NewPasskey,
  type RelyingParty,
  requestOptions,
  verifyAssertion,
  verifyNewPasskey,
} from '../lib/webauthn.ts';
import { Credential, type CredentialRecord } from './credential.ts';
import type { FactorOwner } from './factor.ts';
import { consumeToken, issueToken, type TokenPurpose } from './one-time-token.ts';
import { listPasskeys } from './passkey.ts';
import type { UserRecord } from './user.ts';
import { namesOf } from './user-names.ts';

export interface CeremonyOptions {
  readonly keyring: Keyring;
  readonly party: RelyingParty;
}

/** What an assertion is for. One that was made for something else, for somebody else or elsewhere is none. */
export interface Occasion {
  readonly purpose: 'sign-in' | 'second-factor' | 'reauthentication';
  /** Whose passkey it must be; at a sign-in the passkey tells. */
  readonly userId?: Types.ObjectId;
  /** The session it is for. */
  readonly sessionId?: Types.ObjectId;
}

/** What a challenge was given out for, beside the account. */
interface Bound {
  readonly purpose?: Occasion['purpose'];
  readonly sessionId?: string;
}

const boundTo = ({ purpose, sessionId }: Partial<Occasion>): Bound => ({
  ...(purpose && { purpose }),
  ...(sessionId && { sessionId: sessionId.toHexString() }),
});

const descriptors = (passkeys: readonly CredentialRecord[]) =>
  passkeys.map(({ credentialId, transports }) => ({ id: credentialId ?? '', ...(transports && { transports }) }));

/**
 * The challenge of a ceremony is a one-time token: its authenticator signs it, and the answer brings it back, so that
 * no cookie or id is needed to find it again.
 */
const issueChallenge = (keyring: Keyring, purpose: TokenPurpose, bound: Bound, userId?: Types.ObjectId) =>
  issueToken(undefined, keyring, { purpose, seconds: CEREMONY_SECONDS, payload: bound, ...(userId && { userId }) });

/** Takes the challenge that is answered. @throws CeremonyError unless it was given out for just this and not used */
async function takeChallenge(
  tx: ClientSession,
  keyring: Keyring,
  { purpose, answer }: { readonly purpose: TokenPurpose; readonly answer: { response: { clientDataJSON: string } } },
  occasion: Partial<Occasion>,
): Promise<string> {
  const challenge = challengeOf(answer);
  const token = await consumeToken<Bound>(tx, keyring, purpose, challenge);
  const expected = boundTo(occasion);
  const matches =
    token !== null &&
    token.userId?.toHexString() === occasion.userId?.toHexString() &&
    token.payload.purpose === expected.purpose &&
    token.payload.sessionId === expected.sessionId;
  if (!matches) throw new CeremonyError('Its challenge was used, has expired, or was given out for something else.');
  return challenge;
}

/** Options for a new passkey of the account, made in this session. */
export async function newPasskeyOptions(
  user: UserRecord,
  { _id: sessionId, userId }: FactorOwner,
  { keyring, party }: CeremonyOptions,
) {
  const challenge = await issueChallenge(keyring, 'passkey-registration', boundTo({ sessionId }), userId);
  const { firstName, lastName } = namesOf(keyring, user);
  const displayName = [firstName, lastName].filter(Boolean).join(' ') || user.email;
  const owner = { id: user._id.id, name: user.email, displayName };
  return creationOptions(party, challenge, owner, descriptors(await listPasskeys(userId)));
}

/** @throws CeremonyError */
export async function readNewPasskey(
  tx: ClientSession,
  { _id: sessionId, userId }: FactorOwner,
  answer: RegistrationResponseJSON,
  { keyring, party }: CeremonyOptions,
): Promise<NewPasskey> {
  const challenge = await takeChallenge(
    tx,
    keyring,
    { purpose: 'passkey-registration', answer },
    { userId, sessionId },
  );
  return verifyNewPasskey(party, challenge, answer);
}

/** Options for an assertion. Without an account they name no passkey, and are alike for everybody. */
export async function assertionOptions(occasion: Occasion, { keyring, party }: CeremonyOptions) {
  const { userId } = occasion;
  const challenge = await issueChallenge(keyring, 'passkey-assertion', boundTo(occasion), userId);
  return requestOptions(party, challenge, userId && descriptors(await listPasskeys(userId)));
}

/** An authenticator's counter went back, so that there are two with one key, or somebody plays a record. */
export class CounterError extends CeremonyError {
  readonly userId: Types.ObjectId;

  constructor(userId: Types.ObjectId) {
    super('Its counter has been seen before.');
    this.userId = userId;
  }
}

/**
 * Verifies an assertion and uses its challenge up.
 * @returns the passkey, which tells whose it is
 * @throws CeremonyError for whatever is wrong with it
 */
export async function usePasskey(
  tx: ClientSession,
  occasion: Occasion,
  answer: AuthenticationResponseJSON,
  { keyring, party }: CeremonyOptions,
): Promise<CredentialRecord> {
  const challenge = await takeChallenge(tx, keyring, { purpose: 'passkey-assertion', answer }, occasion);
  const passkey = await Credential.findOne({ credentialId: answer.id }, undefined, {
    session: tx,
  }).lean<CredentialRecord>();
  if (!passkey?.publicKey || (occasion.userId && !passkey.userId.equals(occasion.userId)))
    throw new CeremonyError('No such passkey is known here.');
  const { userHandle } = answer.response;
  if (userHandle && userHandle !== Buffer.from(passkey.userId.id).toString('base64url'))
    throw new CeremonyError('It is for another account.');
  const { counter, backedUp } = await verifyAssertion(party, challenge, answer, passkey.publicKey);
  const used = await Credential.updateOne(
    // Authenticators that count nothing always say 0.
    { _id: passkey._id, counter: counter === 0 ? 0 : { $lt: counter } },
    { $set: { counter, backedUp, lastUsedAt: new Date() } },
    { session: tx },
  );
  if (used.matchedCount === 0) throw new CounterError(passkey.userId);
  return passkey;
}
