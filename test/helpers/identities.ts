import { createHash, randomBytes } from 'node:crypto';
import type { LightMyRequestResponse as Response } from 'fastify';
import { buildTestApp, type TestApp } from './app.ts';
import { type OidcStandIn, startOidcProvider } from './oidc-provider.ts';
import { call, type Options, type Person } from './people.ts';
import { type Page, Visitor } from './visitor.ts';

/** A client on another origin, which the service knows. */
export const CLIENT = 'https://app.example.com';
export const RETURN_TO = `${CLIENT}/signed-in?tab=1`;

export const CLIENT_SECRET = 'what the provider and the service share';

export interface IdentityService {
  readonly service: TestApp;
  /** The provider `local`. */
  readonly idp: OidcStandIn;
  close(): Promise<void>;
}

export const callbackOf = (provider: string): string => `http://localhost:3000/v1/identities/${provider}/callback`;

/** The provider `local`, in this process. */
export const startLocalProvider = (): Promise<OidcStandIn> =>
  startOidcProvider({
    clients: [
      {
        client_id: 'roster',
        client_secret: CLIENT_SECRET,
        redirect_uris: ['local', 'again'].map(callbackOf),
      },
    ],
  });

/** The service with the provider `local`; `settings` of it are added to its entry, `others` are more entries. */
export async function startIdentityService({
  settings = {},
  others = [],
  overrides = {},
}: {
  readonly settings?: object;
  readonly others?: readonly object[];
  readonly overrides?: Record<string, string>;
} = {}): Promise<IdentityService> {
  const idp = await startLocalProvider();
  const entry = { id: 'local', name: 'Local ID', issuer: idp.issuer, clientId: 'roster', clientSecret: CLIENT_SECRET };
  const service = await buildTestApp({
    CORS_ORIGINS: CLIENT,
    IDENTITY_PROVIDERS: JSON.stringify([{ ...entry, ...settings }, ...others]),
    ...overrides,
  });
  return {
    service,
    idp,
    close: async () => {
      await service.close();
      await idp.close();
    },
  };
}

/** What a client keeps while its person is away (RFC 7636). */
export const newVerifier = (): string => randomBytes(32).toString('base64url');
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

interface Way {
  readonly provider?: string;
  readonly verifier?: string;
  readonly redirectTo?: string;
}

/** Where a client sends its browser. */
export function authorizeUrl({
  provider = 'local',
  verifier = newVerifier(),
  redirectTo = RETURN_TO,
}: Way = {}): string {
  const query = new URLSearchParams({ redirectTo, codeChallenge: challengeOf(verifier) });
  return `/v1/identities/${provider}/authorize?${query}`;
}

export const exchange = (
  service: TestApp,
  page: Pick<Page, 'fragment'>,
  codeVerifier: string,
  options: Options = {},
): Promise<Response> =>
  call(service, 'POST', '/v1/sessions/identity', { code: page.fragment.get('code') ?? '', codeVerifier }, options);

/** Signs in at a provider as a client of the service does. Throws when the browser comes back without a code. */
export async function signInAt(service: TestApp, browser: Visitor, way: Way = {}): Promise<Response> {
  const verifier = newVerifier();
  const page = await browser.visit(authorizeUrl({ verifier, ...way }));
  if (!page.fragment.has('code'))
    throw new Error(`the browser came back with ${page.response?.body ?? page.fragment.toString()}`);
  return exchange(service, page, verifier);
}

/** The same by a browser of its own. */
export const signInAs = (service: TestApp, person: string, way: Way = {}): Promise<Response> =>
  signInAt(service, new Visitor(service, person), way);

/** Links what `person` has at a provider to the account of `owner`. */
export async function linkTo(
  service: TestApp,
  owner: Person,
  person: string,
  { provider = 'local', redirectTo = RETURN_TO }: Way = {},
): Promise<Response> {
  const begun = await owner.call('POST', `/v1/users/me/identities/${provider}/authorize`, { redirectTo });
  if (begun.statusCode !== 200) return begun;
  const { fragment } = await new Visitor(service, person).visit(begun.json().authorizationUrl);
  return owner.call('POST', '/v1/users/me/identities', { code: fragment.get('code') ?? '' });
}
