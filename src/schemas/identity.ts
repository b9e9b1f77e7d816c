import { Type } from 'typebox';
import { REDIRECT_MAX_LENGTH } from '../lib/redirect-target.ts';
import { closed, Id, named, ref, Timestamp } from './common.ts';
import { deviceToken, signInTransport } from './session.ts';

export const IdentityProvider = named(
  'IdentityProvider',
  { id: Type.String({ description: 'For the paths.' }), name: Type.String({ description: 'For a button.' }) },
  { description: 'Where people may have an account to sign in by.' },
);

export const IdentityProviderList = named('IdentityProviderList', { items: Type.Array(ref(IdentityProvider)) });

export const Identity = named(
  'Identity',
  {
    id: Id,
    provider: Type.String({ description: 'Id of the provider.' }),
    name: Type.String({ description: 'Name of the provider.' }),
    email: Type.Optional(Type.String({ description: 'As the provider told it last.' })),
    createdAt: Type.String({ format: 'date-time', description: 'When it was linked.' }),
    lastUsedAt: Timestamp,
  },
  { description: 'An account of the same person at a provider, by which they sign in.' },
);

export const IdentityList = named('IdentityList', { items: Type.Array(ref(Identity)) });

/** An unknown provider is 404; what no id can look like does not get that far. */
export const ProviderParams = closed({ provider: Type.String({ pattern: '^[a-z0-9-]{1,32}$' }) });

const redirectTo = Type.String({
  minLength: 1,
  maxLength: REDIRECT_MAX_LENGTH,
  description:
    'Where the browser goes in the end: a page of the service, of `APP_URL` or of an origin of `CORS_ORIGINS`, without a fragment. It finds `code` or `error` in its fragment.',
});

/** RFC 7636, section 4.2: of a SHA-256. */
const codeChallenge = Type.String({
  pattern: '^[A-Za-z0-9_-]{43}$',
  description:
    'base64url of the SHA-256 of a secret that the client makes for this sign-in and keeps (RFC 7636, S256). Needed with `redirectTo`.',
});

export const AuthorizeQuery = closed({
  redirectTo: Type.Optional(redirectTo),
  codeChallenge: Type.Optional(codeChallenge),
});

const value = (description: string) => Type.String({ maxLength: 8192, description });

/**
 * What a provider's answer may hold. Anything else in it is ignored, as OAuth asks (RFC 6749, section 4.1.2): providers
 * add what they like.
 */
export const ProviderAnswer = Type.Object(
  {
    state: Type.String({ minLength: 1, maxLength: 128, description: 'What the browser was sent with.' }),
    code: Type.Optional(value('For the tokens of the provider.')),
    error: Type.Optional(value('Why there is none.')),
    iss: Type.Optional(value('Who answers (RFC 9207).')),
  },
  { additionalProperties: Type.String({ maxLength: 8192 }) },
);

export const IdentitySignIn = named(
  'IdentitySignIn',
  {
    code: Type.String({ minLength: 1, maxLength: 128, description: 'From the fragment of `redirectTo`; works once.' }),
    codeVerifier: Type.String({
      pattern: '^[A-Za-z0-9._~-]{43,128}$',
      description: 'The secret that `codeChallenge` was made of.',
    }),
    deviceToken,
    ...signInTransport,
  },
  {
    examples: [
      {
        code: 'Vb7kE4nMZ0m5yN3CqQ2hJ8sXw1RtUaLpOdGfHiKjSxc',
        codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      },
    ],
  },
);

export const IdentityLinkStart = named(
  'IdentityLinkStart',
  { redirectTo },
  { examples: [{ redirectTo: 'https://app.example.com/account' }] },
);

export const IdentityLinkStarted = named('IdentityLinkStarted', {
  authorizationUrl: Type.String({ description: 'Where to send the browser, within 10 minutes.' }),
});

export const IdentityLink = named(
  'IdentityLink',
  {
    code: Type.String({ minLength: 1, maxLength: 128, description: 'From the fragment of `redirectTo`; works once.' }),
  },
  { examples: [{ code: 'Vb7kE4nMZ0m5yN3CqQ2hJ8sXw1RtUaLpOdGfHiKjSxc' }] },
);

/** Redirects, for OpenAPI; they have no body. */
const redirect = (description: string, headers: Record<string, string>) =>
  Type.Null({
    description,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, meaning]) => [name, { type: 'string', description: meaning }]),
    ),
  });

export const ToProvider = redirect('To the provider.', {
  Location: 'Where to sign in.',
  'Set-Cookie': '`__Host-roster-identity`, for 10 minutes: only this browser can come back.',
});

export const ToClient = redirect('To `redirectTo`, with `code` or `error` in the fragment.', {
  Location: 'A page of the client.',
});
