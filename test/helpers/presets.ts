import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type CryptoKey, exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { type GitHubStandIn, startGitHub } from './github.ts';
import { CLIENT_SECRET, callbackOf } from './identities.ts';
import { type OidcStandIn, startOidcProvider } from './oidc-provider.ts';
import { reroute } from './reroute.ts';

/** A tenant of Microsoft's, as its tokens name it. */
export const TENANT = '72f988bf-0000-4000-8000-2d7cd011db47';

export const APPLE_TEAM = { teamId: 'TEAM123456', keyId: 'KEY1234567' };

/** What stands in for each provider at its own address, and the entry of the configuration for it. */
export interface Presets {
  readonly google: OidcStandIn;
  readonly microsoft: OidcStandIn;
  readonly apple: OidcStandIn;
  readonly github: GitHubStandIn;
  readonly entries: Readonly<Record<string, object>>;
  /** The secrets that Apple was sent. */
  readonly appleSecrets: string[];
  close(): Promise<void>;
}

const client = (id: string) => ({
  client_id: `client-of-${id}`,
  client_secret: CLIENT_SECRET,
  redirect_uris: [callbackOf(id)],
  token_endpoint_auth_method: 'client_secret_post' as const,
});

const entry = (preset: string) => ({ id: preset, preset, clientId: `client-of-${preset}` });

export async function startPresets(): Promise<Presets> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const appleSecrets: string[] = [];
  const google = await startOidcProvider({ issuer: 'https://accounts.google.com', clients: [client('google')] });
  const microsoft = await startOidcProvider({
    issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    clients: [client('microsoft')],
    before: (request, response) => asMicrosoft(microsoft, request, response),
  });
  const apple = await startOidcProvider({
    issuer: 'https://appleid.apple.com',
    clients: [client('apple')],
    routes: { authorization: '/auth/authorize', token: '/auth/token', jwks: '/auth/keys' },
    before: (request, response) => asApple(request, response, { publicKey, appleSecrets }),
  });
  const github = await startGitHub({ id: 'client-of-github', secret: CLIENT_SECRET });
  reroute('https://accounts.google.com', google.url);
  reroute('https://login.microsoftonline.com', microsoft.url);
  reroute('https://appleid.apple.com', apple.url);
  for (const origin of ['https://github.com', 'https://api.github.com']) reroute(origin, github.url);
  const apples = { ...APPLE_TEAM, privateKey: await exportPKCS8(privateKey) };
  return {
    google,
    microsoft,
    apple,
    github,
    appleSecrets,
    entries: {
      google: { ...entry('google'), clientSecret: CLIENT_SECRET },
      microsoft: { ...entry('microsoft'), clientSecret: CLIENT_SECRET },
      apple: { ...entry('apple'), ...apples },
      github: { ...entry('github'), clientSecret: CLIENT_SECRET },
    },
    close: async () => {
      await Promise.all([google, microsoft, apple, github].map((each) => each.close()));
    },
  };
}

/** One address for all tenants, whose metadata leaves the tenant open; and no `iss` beside the code. */
async function asMicrosoft({ url }: OidcStandIn, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) => {
    if (name.toLowerCase() !== 'location') return setHeader(name, value);
    const location = new URL(String(value), 'https://login.microsoftonline.com');
    location.searchParams.delete('iss');
    return setHeader(name, location.href);
  };
  if (request.url !== '/common/v2.0/.well-known/openid-configuration') return false;
  const headers = { 'x-forwarded-host': 'login.microsoftonline.com', 'x-forwarded-proto': 'https' };
  const answer = await fetch(`${url}/.well-known/openid-configuration`, { headers });
  const metadata = (await answer.json()) as Record<string, unknown>;
  const { ['authorization_response_iss_parameter_supported']: _, ...own } = metadata;
  const issuer = 'https://login.microsoftonline.com/{tenantid}/v2.0';
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...own, issuer }));
  return true;
}

interface AppleKeys {
  readonly publicKey: CryptoKey;
  readonly appleSecrets: string[];
}

/** No metadata; names and emails by form alone; and for a secret a token that the team's key has signed. */
async function asApple(
  request: IncomingMessage,
  response: ServerResponse,
  { publicKey, appleSecrets }: AppleKeys,
): Promise<boolean> {
  const url = new URL(request.url ?? '', 'https://appleid.apple.com');
  const refuse = (error: string) => {
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    return true;
  };
  if (url.pathname.startsWith('/.well-known/')) return refuse('not_found');
  if (url.pathname === '/auth/authorize' && url.searchParams.get('response_mode') !== 'form_post')
    return refuse('invalid_request');
  if (url.pathname !== '/auth/token') return false;
  const form = Object.fromEntries(new URLSearchParams(await text(request)));
  const secret = form['client_secret'] ?? '';
  appleSecrets.push(secret);
  const { protectedHeader } = await jwtVerify(secret, publicKey, {
    issuer: APPLE_TEAM.teamId,
    subject: 'client-of-apple',
    audience: 'https://appleid.apple.com',
    maxTokenAge: '5 minutes',
  });
  if (protectedHeader.alg !== 'ES256' || protectedHeader.kid !== APPLE_TEAM.keyId) return refuse('invalid_client');
  Object.assign(request, { body: { ...form, client_secret: CLIENT_SECRET } });
  return false;
}
