/**
 * How each kind of provider differs from the standard: where it is, what it is asked for, how it says that an email is
 * verified, and whether that is worth anything.
 */
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import * as oidc from 'openid-client';
import type { Claims } from './claims.ts';
import { kindOf, type ProviderKind, type ProviderSettings } from './settings.ts';

/** Reads a document of the provider's API as the person. */
export type Read = (url: string) => Promise<unknown>;

export interface Dialect {
  readonly name: string;
  /** Where its metadata is to be found, or the metadata itself. */
  readonly server: URL | oidc.ServerMetadata;
  readonly scopes: readonly string[];
  readonly authenticate: oidc.ClientAuth;
  /** Its answer comes as a form that its own page posts: browsers treat that as a request from elsewhere. */
  readonly formPost: boolean;
  /** Whether its word about an email is taken unless the configuration says otherwise. */
  readonly trustEmail: boolean;
  readonly emailVerified: (claims: Claims) => boolean;
  /** Says what else than the ID token and what the form tells of the person, where that is worth having. */
  readonly refine?: (claims: Claims, form: Claims) => Claims;
  /** Without ID tokens: who it is, by the provider's API. */
  readonly profile?: (read: Read) => Promise<Claims>;
}

const STANDARD = {
  scopes: ['openid', 'email', 'profile'],
  formPost: false,
  trustEmail: true,
  emailVerified: ({ email_verified: verified }: Claims) => verified === true,
} as const;

const discovered = (settings: ProviderSettings, name: string, issuer: string) => ({
  ...STANDARD,
  name,
  server: new URL(settings.issuer ?? issuer),
  authenticate: bySecret(settings),
});

const DIALECTS: Readonly<Record<ProviderKind, (settings: ProviderSettings) => Dialect>> = {
  oidc: (settings) => discovered(settings, settings.id, ''),
  google: (settings) => ({
    ...discovered(settings, 'Google', 'https://accounts.google.com'),
    // Google hosts these mailboxes. Of any other it only knows that it was theirs when they said so, years ago perhaps.
    emailVerified: ({ email, email_verified: verified, hd }) =>
      verified === true && (typeof hd === 'string' || /@gmail\.com$/i.test(String(email))),
  }),
  microsoft: (settings) => ({
    ...discovered(settings, 'Microsoft', 'https://login.microsoftonline.com/common/v2.0'),
    // Administrators of any tenant write what they like into `email`. `xms_edov` says that they own its domain, but
    // stands in a token only where the registration asks for it.
    trustEmail: false,
    emailVerified: ({ xms_edov: verified }) => [true, 1, '1', 'true'].includes(verified as never),
    // A subject is one within its tenant, and a shared registration hears from all of them.
    refine: ({ tid, ...claims }) => ({ ...claims, sub: tid === undefined ? undefined : `${tid}.${claims['sub']}` }),
  }),
  apple: (settings) => ({
    ...STANDARD,
    name: 'Apple',
    // Its discovery document once named another issuer than its tokens, for some days; its documentation never did.
    server: {
      issuer: APPLE,
      authorization_endpoint: `${APPLE}/auth/authorize`,
      token_endpoint: `${APPLE}/auth/token`,
      jwks_uri: `${APPLE}/auth/keys`,
    },
    scopes: ['openid', 'email', 'name'],
    authenticate: byAppleKey(settings),
    formPost: true,
    emailVerified: ({ email_verified: verified }) => verified === true || verified === 'true',
    refine: (claims, { user }) => ({ ...claims, ...appleName(user) }),
  }),
  github: (settings) => ({
    ...plain({ tokenEndpointAuthMethod: 'client_secret_post', ...settings }, 'GitHub', {
      authorizationEndpoint: 'https://github.com/login/oauth/authorize',
      tokenEndpoint: 'https://github.com/login/oauth/access_token',
      userinfoEndpoint: 'https://api.github.com/user',
    }),
    scopes: ['read:user', 'user:email'],
    profile: githubProfile(settings.userinfoEndpoint ?? 'https://api.github.com/user'),
  }),
  oauth2: (settings) => plain(settings, settings.id),
};

/** What is peculiar to a provider. */
export const dialectOf = (settings: ProviderSettings): Dialect => DIALECTS[kindOf(settings)](settings);

type Endpoints = Pick<ProviderSettings, 'authorizationEndpoint' | 'tokenEndpoint' | 'userinfoEndpoint'>;

/** OAuth 2 proves no identity by itself: who it is, the API of the provider tells whoever has the person's token. */
function plain(settings: ProviderSettings, name: string, defaults: Endpoints = {}): Dialect {
  const { authorizationEndpoint = '', tokenEndpoint = '', userinfoEndpoint = '' } = { ...defaults, ...settings };
  return {
    ...STANDARD,
    name,
    // With `openid` it would be asked for an ID token, whose issuer nobody has named.
    scopes: [],
    server: {
      issuer: new URL(authorizationEndpoint).origin,
      authorization_endpoint: authorizationEndpoint,
      token_endpoint: tokenEndpoint,
    },
    authenticate: bySecret(settings),
    profile: async (read) => {
      const person = (await read(userinfoEndpoint)) as Claims;
      return { ...person, sub: person['sub'] ?? person['id'] };
    },
  };
}

/** GitHub tells the addresses apart from the person; the one in the profile is whatever they show in public. */
function githubProfile(url: string) {
  return async (read: Read): Promise<Claims> => {
    const [person, addresses] = await Promise.all([read(url), read(`${url}/emails`)]);
    const { id, name, avatar_url: picture } = person as Claims;
    const primary = (Array.isArray(addresses) ? addresses : []).find((address) => address?.primary === true);
    return { sub: id, name, picture, email: primary?.email, email_verified: primary?.verified };
  };
}

/** The name comes once, when the person first agrees, in a form that nobody has signed: good for a name, no more. */
function appleName(user: unknown): Claims {
  try {
    const { name } = JSON.parse(String(user));
    return { given_name: name?.firstName, family_name: name?.lastName };
  } catch {
    return {};
  }
}

/** In the way that the configuration names, else in the body where the provider says it takes that, else as OAuth's default. */
function bySecret({ clientSecret, tokenEndpointAuthMethod: chosen }: ProviderSettings): oidc.ClientAuth {
  if (clientSecret === undefined) return oidc.None();
  const [basic, post] = [oidc.ClientSecretBasic(clientSecret), oidc.ClientSecretPost(clientSecret)];
  return (server, client, body, headers) => {
    const inBody = server.token_endpoint_auth_methods_supported?.includes('client_secret_post') ?? false;
    const method = chosen ?? (inBody ? 'client_secret_post' : 'client_secret_basic');
    return (method === 'client_secret_post' ? post : basic)(server, client, body, headers);
  };
}

const APPLE = 'https://appleid.apple.com';

/** Made for one request: Apple would take one of half a year, and so would whoever found it. */
const APPLE_SECRET_SECONDS = 300;

function byAppleKey({ clientId, teamId = '', keyId = '', privateKey = '' }: ProviderSettings): oidc.ClientAuth {
  const key = createPrivateKey(privateKey);
  return async (_server, _client, body) => {
    const now = Math.floor(Date.now() / 1000);
    const secret = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setSubject(clientId)
      .setAudience(APPLE)
      .setIssuedAt(now)
      .setExpirationTime(now + APPLE_SECRET_SECONDS)
      .sign(key);
    body.set('client_id', clientId);
    body.set('client_secret', secret);
  };
}
