import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** What it was asked for, as it stood in the URL. */
export interface Asked {
  readonly query: URLSearchParams;
}

/** Makes the ID token: from the claims that an honest provider would put into it, with the key that it publishes. */
export type Forge = (claims: JWTPayload, sign: Sign) => Promise<string> | string;
export type Sign = (claims: JWTPayload, key?: CryptoKey | Uint8Array, alg?: string) => Promise<string>;

export interface ForgingProvider {
  readonly issuer: string;
  /** How the next ID tokens are made. */
  forge: Forge;
  /** What comes back beside the code. */
  answer: Record<string, string>;
  /** Verifiers that were sent with a code, and whether they are those of the challenge. */
  readonly verifiers: { readonly verifier: string; readonly right: boolean }[];
  close(): Promise<void>;
}

export const honest: Forge = (claims, sign) => sign(claims);

/** An OpenID provider that says and signs what a test wants. It signs everybody in at once, as `mallory`. */
export async function startForgingProvider(email: string): Promise<ForgingProvider> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig', kid: 'one' }] };
  const asked = new Map<string, URLSearchParams>();
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const provider: ForgingProvider = {
    issuer,
    forge: honest,
    answer: {},
    verifiers: [],
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const sign: Sign = (claims, key = privateKey, alg = 'RS256') =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: 'one' }).sign(key);

  async function tokens(form: URLSearchParams) {
    const query = asked.get(form.get('code') ?? '') ?? new URLSearchParams();
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    provider.verifiers.push({ verifier, right: challenge === query.get('code_challenge') });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      sub: 'mallory',
      aud: query.get('client_id') ?? '',
      nonce: query.get('nonce') ?? '',
      iat: now,
      exp: now + 300,
      email,
      email_verified: true,
    };
    const idToken = await provider.forge(claims, sign);
    return { access_token: 'an access token of the provider', token_type: 'bearer', id_token: idToken };
  }

  server.on('request', async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', issuer);
    if (pathname === '/auth') {
      const code = `code-${asked.size}`;
      asked.set(code, searchParams);
      const back = new URL(searchParams.get('redirect_uri') ?? '');
      const answer = { state: searchParams.get('state') ?? '', code, ...provider.answer };
      for (const [name, value] of Object.entries(answer)) back.searchParams.set(name, value);
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    const body =
      pathname === '/token'
        ? await tokens(new URLSearchParams(await text(request)))
        : pathname === '/jwks'
          ? jwks
          : {
              issuer,
              authorization_endpoint: `${issuer}/auth`,
              token_endpoint: `${issuer}/token`,
              jwks_uri: `${issuer}/jwks`,
              id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
            };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return provider;
}
