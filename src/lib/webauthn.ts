import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';

/**
 * Loading the library takes as long as most commands of the command line do, and few things need it. Whoever serves
 * asks for it at the start, so that no request waits for it.
 */
export const loadWebauthn = async () => ({
  ...(await import('@simplewebauthn/server')),
  ...(await import('@simplewebauthn/server/helpers')),
});

/** For whom passkeys are made, and on which pages they may be used. */
export interface RelyingParty {
  /** A domain: passkeys work on it and on all below it. */
  readonly id: string;
  readonly name: string;
  readonly origins: readonly string[];
}

/** How long a person may take, from the options to the answer. */
export const CEREMONY_SECONDS = 5 * 60;

/** EdDSA, ES256 and RS256 (COSE), which all browsers can check between them. */
const ALGORITHMS = [-8, -7, -257];

/** An authenticator's answer is not what was asked for; the message is for the log and for developers. */
export class CeremonyError extends Error {
  override readonly name = 'CeremonyError';
}

/** The page is not one of this service: what goes wrong most while a client is written, and tells nothing of anybody. */
export class OriginError extends CeremonyError {}

interface Descriptor {
  readonly id: string;
  readonly transports?: readonly string[];
}

interface NewPasskeyUser {
  readonly id: Uint8Array;
  readonly name: string;
  readonly displayName: string;
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'base64url'));

const descriptor = ({ id, transports }: Descriptor) => ({
  id,
  ...(transports && { transports: [...transports] as never }),
});

/** Options of `navigator.credentials.create`: a discoverable key that verifies its user, and no attestation. */
export const creationOptions = async (
  { id, name }: RelyingParty,
  challenge: string,
  user: NewPasskeyUser,
  known: readonly Descriptor[],
): Promise<PublicKeyCredentialCreationOptionsJSON> =>
  (await loadWebauthn()).generateRegistrationOptions({
    rpID: id,
    rpName: name,
    challenge: bytes(challenge),
    userID: Uint8Array.from(user.id),
    userName: user.name,
    userDisplayName: user.displayName,
    timeout: CEREMONY_SECONDS * 1000,
    attestationType: 'none',
    excludeCredentials: known.map(descriptor),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });

/** Options of `navigator.credentials.get`; without `allowed`, any passkey that the device has for this service. */
export const requestOptions = async (
  { id }: RelyingParty,
  challenge: string,
  allowed?: readonly Descriptor[],
): Promise<PublicKeyCredentialRequestOptionsJSON> =>
  (await loadWebauthn()).generateAuthenticationOptions({
    rpID: id,
    challenge: bytes(challenge),
    timeout: CEREMONY_SECONDS * 1000,
    userVerification: 'required',
    ...(allowed && { allowCredentials: allowed.map(descriptor) }),
  });

interface ClientData {
  readonly challenge?: unknown;
  readonly origin?: unknown;
  readonly crossOrigin?: unknown;
}

function clientData(encoded: string): ClientData {
  try {
    return (JSON.parse(Buffer.from(encoded, 'base64url').toString()) as ClientData | null) ?? {};
  } catch (cause) {
    throw new CeremonyError('clientDataJSON is not JSON', { cause });
  }
}

/** The challenge that is answered, as it was given out; nothing vouches for it yet. @throws CeremonyError */
export function challengeOf({ response }: { readonly response: { readonly clientDataJSON: string } }): string {
  const { challenge } = clientData(response.clientDataJSON);
  if (typeof challenge !== 'string') throw new CeremonyError('clientDataJSON has no challenge');
  return challenge;
}

/** @throws OriginError */
function checkOrigin({ origins }: RelyingParty, encoded: string): void {
  const { origin, crossOrigin } = clientData(encoded);
  if (typeof origin !== 'string' || !origins.includes(origin))
    throw new OriginError('It was made on a page that is not of this service: see PASSKEY_ORIGINS.');
  if (crossOrigin) throw new OriginError('It was made in a frame of another page.');
}

/** Whatever the library throws is about the answer: a malformed one must be refused, not fail the service. */
async function checked<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (cause) {
    throw cause instanceof CeremonyError ? cause : new CeremonyError('It does not verify.', { cause });
  }
}

/** A key that an authenticator has made, as it is kept. */
export interface NewPasskey {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly backedUp: boolean;
  /** Of the model of the authenticator; zeros when it does not tell. */
  readonly aaguid: string;
}

/**
 * No attestation is asked for, and none with certificates is taken: checking one means to ask addresses for revoked
 * certificates that whoever made it has chosen.
 */
async function refuseCertificates(attestationObject: string): Promise<void> {
  const { decodeAttestationObject } = await loadWebauthn();
  const object = decodeAttestationObject(bytes(attestationObject));
  const known = ['none', 'packed'].includes(object.get('fmt'));
  if (!known || object.get('attStmt').get('x5c')) throw new CeremonyError('It holds an attestation.');
}

/** @throws CeremonyError unless it is a new key for this service, made by an authenticator that verified its user */
export const verifyNewPasskey = (
  party: RelyingParty,
  challenge: string,
  response: RegistrationResponseJSON,
): Promise<NewPasskey> =>
  checked(async () => {
    checkOrigin(party, response.response.clientDataJSON);
    await refuseCertificates(response.response.attestationObject);
    const { verifyRegistrationResponse } = await loadWebauthn();
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) throw new CeremonyError('It does not verify.');
    const { credential, aaguid, credentialBackedUp } = registrationInfo;
    if (credential.id !== response.id) throw new CeremonyError('It names another key.');
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: credential.transports ?? [],
      backedUp: credentialBackedUp,
      aaguid,
    };
  });

/** The counter is compared where it is kept, so that a copied key is told from an answer that is not valid. */
export const verifyAssertion = (
  party: RelyingParty,
  challenge: string,
  response: AuthenticationResponseJSON,
  publicKey: string,
): Promise<{ readonly counter: number; readonly backedUp: boolean }> =>
  checked(async () => {
    checkOrigin(party, response.response.clientDataJSON);
    const { verifyAuthenticationResponse } = await loadWebauthn();
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
      credential: { id: response.id, publicKey: bytes(publicKey), counter: 0 },
    });
    if (!verified) throw new CeremonyError('Its signature is not that of the key.');
    return { counter: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp };
  });
