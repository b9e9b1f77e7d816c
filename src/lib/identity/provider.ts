import * as oidc from 'openid-client';
import { type Claims, type ExternalIdentity, readClaims } from './claims.ts';
import { type Dialect, dialectOf } from './dialects.ts';
import { IdentityProviderError, providerError } from './errors.ts';
import { isLoopback, type ProviderSettings } from './settings.ts';

/** How long a provider may take to answer one request: a sign-in makes two to four while a person waits. */
const TIMEOUT_SECONDS = 4;

/** A request for metadata has no effect, so it is tried again at once. */
const DISCOVERY_TRIES = 2;

/** Providers change their metadata rarely, and announce it; keys are looked up anew whenever an unknown one signs. */
const METADATA_MS = 3_600_000;

/** What an authorization response consists of (RFC 6749, RFC 9207); a provider adds what it likes, and none of it counts. */
const RESPONSE_PARAMETERS = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri'];

/** What this side of a sign-in remembers while the person is at the provider. */
export interface Pending {
  /** RFC 7636: whoever brings the code must know it. */
  readonly verifier: string;
  /** In the ID token it says that the token was made for this very sign-in. Absent where there are no ID tokens. */
  readonly nonce?: string;
}

/** Tokens of the provider, for a service that goes on to call it. */
export interface ProviderTokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly scope?: string;
  /** ISO 8601. */
  readonly expiresAt?: string;
}

/** Somebody who was proven, with the tokens where the configuration asks to keep them. */
export interface Proven {
  readonly identity: ExternalIdentity;
  readonly tokens?: ProviderTokens;
}

/** One provider: sends people there, and makes of what comes back who they are. It is asked nothing before it is needed. */
export class IdentityProvider {
  readonly id: string;
  readonly name: string;
  /** Whether its answer comes as a form that its own page posts. */
  readonly formPost: boolean;
  readonly #settings: ProviderSettings;
  readonly #dialect: Dialect;
  #metadata: { readonly configuration: Promise<oidc.Configuration>; readonly until: number } | undefined;

  constructor(settings: ProviderSettings) {
    this.#settings = settings;
    this.#dialect = dialectOf(settings);
    this.id = settings.id;
    this.name = settings.name ?? this.#dialect.name;
    this.formPost = this.#dialect.formPost;
  }

  /**
   * Begins a sign-in: what to remember of it, and where to send the person once it is remembered under a `state`.
   * @throws {IdentityProviderError} `unavailable`
   */
  async begin(redirectUri: string): Promise<{ pending: Pending; urlWith: (state: string) => string }> {
    const configuration = await this.#configuration();
    const { profile, scopes, formPost } = this.#dialect;
    const verifier = oidc.randomPKCECodeVerifier();
    const nonce = profile ? {} : { nonce: oidc.randomNonce() };
    const scope = (this.#settings.scopes ?? scopes).join(' ');
    const parameters = {
      redirect_uri: redirectUri,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(scope !== '' && { scope }),
      ...nonce,
      ...(formPost && { response_mode: 'form_post' }),
    };
    return {
      pending: { verifier, ...nonce },
      urlWith: (state) => oidc.buildAuthorizationUrl(configuration, { ...parameters, state }).href,
    };
  }

  /**
   * Exchanges the code of an answer, and verifies what the provider says then: signature, issuer, audience, expiry and
   * nonce of the ID token.
   * @param answer the parameters that the person's browser brought back, whose `state` is known already
   * @throws {IdentityProviderError}
   */
  async prove(redirectUri: string, pending: Pending, answer: Readonly<Record<string, string>>): Promise<Proven> {
    const configuration = await this.#configuration();
    try {
      const tokens = await this.#exchange(configuration, redirectUri, pending, answer);
      const claims = await this.#claims(configuration, tokens, answer);
      const { trustEmail, emailVerified } = this.#dialect;
      const trusted = this.#settings.trustEmail ?? trustEmail;
      const read = readClaims(claims, trusted && emailVerified(claims));
      if (!read) throw new IdentityProviderError('unproven', `${this.id}: told no subject`);
      return {
        identity: { provider: this.id, ...read },
        ...(this.#settings.keepTokens && { tokens: keptTokens(tokens) }),
      };
    } catch (error) {
      throw providerError(this.id, 'sign-in', error);
    }
  }

  #exchange(
    configuration: oidc.Configuration,
    redirectUri: string,
    { verifier, nonce }: Pending,
    answer: Readonly<Record<string, string>>,
  ): Promise<TokenResponse> {
    const url = new URL(redirectUri);
    for (const name of RESPONSE_PARAMETERS) {
      // Plain OAuth 2 knows no issuer to compare it with; that each provider has a callback of its own is what keeps
      // one from passing for another there.
      if (name === 'iss' && this.#dialect.profile) continue;
      const value = answer[name];
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return oidc.authorizationCodeGrant(configuration, url, {
      expectedState: answer['state'] ?? '',
      pkceCodeVerifier: verifier,
      ...(nonce !== undefined && { expectedNonce: nonce }),
    });
  }

  async #claims(configuration: oidc.Configuration, tokens: TokenResponse, form: Claims): Promise<Claims> {
    const { profile, refine } = this.#dialect;
    if (profile) return profile((url) => this.#read(configuration, tokens.access_token, url));
    const claims: Claims = tokens.claims() ?? {};
    const complete = claims['email'] !== undefined || !configuration.serverMetadata().userinfo_endpoint;
    const more = complete ? {} : await oidc.fetchUserInfo(configuration, tokens.access_token, String(claims['sub']));
    // What is signed has the last word.
    const all = { ...more, ...claims };
    return refine ? refine(all, form) : all;
  }

  async #read(configuration: oidc.Configuration, accessToken: string, url: string): Promise<unknown> {
    const accept = new Headers({ accept: 'application/json' });
    const response = await oidc.fetchProtectedResource(configuration, accessToken, new URL(url), 'GET', null, accept);
    if (response.status === 200) return response.json();
    await response.body?.cancel();
    throw new IdentityProviderError('unavailable', `${this.id}: profile: status ${response.status}`);
  }

  /** Asked for once at a time, however many people wait for it; a failure is not remembered. */
  #configuration(): Promise<oidc.Configuration> {
    const now = Date.now();
    if (this.#metadata && this.#metadata.until > now) return this.#metadata.configuration;
    const configuration = this.#discover(DISCOVERY_TRIES).catch((error: unknown) => {
      this.#metadata = undefined;
      const { message } = providerError(this.id, 'discovery', error);
      throw new IdentityProviderError('unavailable', message, error);
    });
    this.#metadata = { configuration, until: now + METADATA_MS };
    return configuration;
  }

  async #discover(tries: number): Promise<oidc.Configuration> {
    const { clientId } = this.#settings;
    const { server, authenticate } = this.#dialect;
    const place = server instanceof URL ? server.href : server.issuer;
    const execute = [oidc.enableNonRepudiationChecks, ...(isLoopback(place) ? [oidc.allowInsecureRequests] : [])];
    if (!(server instanceof URL)) {
      const configuration = new oidc.Configuration(server, clientId, undefined, authenticate);
      configuration.timeout = TIMEOUT_SECONDS;
      for (const extend of execute) extend(configuration);
      return configuration;
    }
    const options = { execute, timeout: TIMEOUT_SECONDS };
    return oidc
      .discovery(server, clientId, undefined, authenticate, options)
      .catch((error: unknown) => (tries > 1 ? this.#discover(tries - 1) : Promise.reject(error)));
  }
}

type TokenResponse = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;

function keptTokens(tokens: TokenResponse): ProviderTokens {
  const { access_token: accessToken, refresh_token: refreshToken, scope } = tokens;
  const seconds = tokens.expiresIn();
  return {
    accessToken,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(scope !== undefined && { scope }),
    ...(seconds !== undefined && { expiresAt: new Date(Date.now() + seconds * 1000).toISOString() }),
  };
}

/** The providers of the configuration, in its order. */
export type IdentityProviders = ReadonlyMap<string, IdentityProvider>;

export const createIdentityProviders = (settings: readonly ProviderSettings[]): IdentityProviders =>
  new Map(settings.map((each) => [each.id, new IdentityProvider(each)]));
