import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { type TSchema, Type } from 'typebox';
import { CREDENTIAL_LIMITS, PASSKEY_TRANSPORTS } from '../models/credential.ts';
import { closed, Id, named, ref, Timestamp } from './common.ts';
import { deviceToken, signInTransport } from './session.ts';

const BASE64URL = '^[A-Za-z0-9_-]+$';

const encoded = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, pattern: BASE64URL, ...(description !== undefined && { description }) });

const orNull = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

const Name = Type.String({
  minLength: 1,
  maxLength: CREDENTIAL_LIMITS.name,
  description: 'What its owner calls it. Markup and control characters are removed.',
});

/** A reference to what the library that makes and verifies it has a type for. */
const typed = <T>({ $id }: { readonly $id: string }) => Type.Unsafe<T>({ $ref: `${$id}#` });

const passkey = {
  id: '665f1c2e9b1e8a0012345678',
  name: 'Apple Passwords',
  transports: ['hybrid', 'internal'],
  backedUp: true,
  createdAt: '2026-11-23T10:15:00.000Z',
  lastUsedAt: '2026-11-24T08:00:00.000Z',
};

export const Passkey = named(
  'Passkey',
  {
    id: Id,
    name: Type.String(),
    transports: Type.Array(Type.Enum([...PASSKEY_TRANSPORTS]), {
      description: 'How a browser may reach its authenticator.',
    }),
    backedUp: Type.Boolean({ description: 'Whether its key is synchronised to other devices.' }),
    createdAt: Timestamp,
    lastUsedAt: Type.Union([Timestamp, Type.Null()]),
  },
  { description: 'A passkey, as its owner sees it.', examples: [passkey] },
);

export const PasskeyList = named('PasskeyList', {
  items: Type.Array(ref(Passkey), { description: 'All of them, oldest first; an account has 20 at the most.' }),
});

export const PasskeyPatch = named('PasskeyPatch', { name: Name }, { examples: [{ name: 'My telephone' }] });

const Challenge = Type.String({ description: 'base64url; works once, within 5 minutes.' });

const Descriptor = closed({
  id: Type.String(),
  type: Type.Literal('public-key'),
  transports: Type.Optional(Type.Array(Type.String())),
});

export const PasskeyCreationOptions = named(
  'PasskeyCreationOptions',
  {
    rp: closed({ id: Type.String(), name: Type.String() }),
    user: closed({ id: Type.String(), name: Type.String(), displayName: Type.String() }),
    challenge: Challenge,
    pubKeyCredParams: Type.Array(closed({ type: Type.Literal('public-key'), alg: Type.Integer() })),
    timeout: Type.Integer(),
    attestation: Type.String(),
    excludeCredentials: Type.Array(Descriptor),
    authenticatorSelection: closed({
      residentKey: Type.String(),
      requireResidentKey: Type.Boolean(),
      userVerification: Type.String(),
    }),
    extensions: closed({ credProps: Type.Boolean() }),
    hints: Type.Array(Type.String()),
  },
  {
    description:
      'For `navigator.credentials.create`, by way of `PublicKeyCredential.parseCreationOptionsFromJSON` (WebAuthn level 3).',
  },
);

export const PasskeyRequestOptions = named(
  'PasskeyRequestOptions',
  {
    rpId: Type.String(),
    challenge: Challenge,
    timeout: Type.Integer(),
    userVerification: Type.String(),
    allowCredentials: Type.Optional(Type.Array(Descriptor)),
  },
  {
    description:
      'For `navigator.credentials.get`, by way of `PublicKeyCredential.parseRequestOptionsFromJSON` (WebAuthn level 3).',
  },
);

export const creationOptionsRef = typed<PublicKeyCredentialCreationOptionsJSON>(PasskeyCreationOptions);
export const requestOptionsRef = typed<PublicKeyCredentialRequestOptionsJSON>(PasskeyRequestOptions);

/** What every credential holds that a browser has put into JSON. */
const credential = {
  id: encoded(CREDENTIAL_LIMITS.credentialId),
  rawId: encoded(CREDENTIAL_LIMITS.credentialId),
  type: Type.Literal('public-key'),
  authenticatorAttachment: orNull(Type.String({ maxLength: 32 })),
  clientExtensionResults: Type.Record(Type.String(), Type.Unknown()),
};

const ClientData = encoded(4096, 'Holds the challenge, which is how it is found again.');

const exampleClientData = (type: string): string =>
  Buffer.from(
    JSON.stringify({
      type,
      challenge: 'nB0bmNKZ3jMcMm0VjWpYxJ3jv9nEMHwY7qIv5XGXbC0',
      origin: 'https://accounts.example.com',
      crossOrigin: false,
    }),
  ).toString('base64url');

const exampleCredential = {
  id: 'yK0vVfLDmqjXNqXSaUxLNqRlwIzWxE4pGgN0VfL3m5Q',
  rawId: 'yK0vVfLDmqjXNqXSaUxLNqRlwIzWxE4pGgN0VfL3m5Q',
  type: 'public-key',
};

export const NewPasskeyCredential = named(
  'NewPasskeyCredential',
  {
    ...credential,
    response: closed({
      clientDataJSON: ClientData,
      attestationObject: encoded(16_384),
      transports: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 })),
      authenticatorData: Type.Optional(encoded(16_384)),
      publicKey: orNull(encoded(4096)),
      publicKeyAlgorithm: Type.Optional(Type.Integer()),
    }),
  },
  { description: '`toJSON()` of what `navigator.credentials.create` resolves to.' },
);

const assertionExample = {
  ...exampleCredential,
  response: {
    clientDataJSON: exampleClientData('webauthn.get'),
    authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ',
    signature: 'MEUCIQDWm2UmS0Kk6kY3j0cVg5cpcTq6cXJKQ3sGOTvPq9xH1QIgIZ9b1pYkXx5Q3i2lQmWv0cM3x8dJb0aC1f4n2s7w6Rk',
    userHandle: 'Zl8cLpseigASNFZ4',
  },
  clientExtensionResults: {},
};

export const PasskeyAssertion = named(
  'PasskeyAssertion',
  {
    ...credential,
    response: closed({
      clientDataJSON: ClientData,
      authenticatorData: encoded(4096),
      signature: encoded(2048),
      userHandle: orNull(encoded(128)),
    }),
  },
  { description: '`toJSON()` of what `navigator.credentials.get` resolves to.', examples: [assertionExample] },
);

export const assertionRef = typed<AuthenticationResponseJSON>(PasskeyAssertion);

export const PasskeyRegistration = named(
  'PasskeyRegistration',
  { credential: typed<RegistrationResponseJSON>(NewPasskeyCredential), name: Type.Optional(Name) },
  {
    examples: [
      {
        name: 'My telephone',
        credential: {
          ...exampleCredential,
          response: {
            clientDataJSON: exampleClientData('webauthn.create'),
            attestationObject: 'o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVik',
            transports: ['hybrid', 'internal'],
          },
          clientExtensionResults: { credProps: { rk: true } },
        },
      },
    ],
  },
);

export const PasskeySignIn = named(
  'PasskeySignIn',
  { assertion: assertionRef, deviceToken, ...signInTransport },
  { examples: [{ assertion: assertionExample }] },
);
