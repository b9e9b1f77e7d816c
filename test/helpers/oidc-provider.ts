import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';
import { vi } from 'vitest';

/** What a provider says of a person, by their `sub`. */
export type Claims = Readonly<Record<string, unknown>>;

/** The header in which a browser of these tests says who sits in front of it. */
export const PERSON = 'x-person';

export interface OidcStandIn {
  readonly issuer: string;
  /** Where it listens. */
  readonly url: string;
  readonly people: Map<string, Claims>;
  /** Every request that it was sent, in its order. */
  readonly requests: string[];
  /** So many of the next requests it fails at. */
  failures: number;
  close(): Promise<void>;
}

interface Options {
  /** Its own address, where that is not where it listens. */
  readonly issuer?: string;
  readonly clients: Configuration['clients'];
  readonly routes?: Configuration['routes'];
  /** Answers instead of the provider, or changes what it is asked. @returns whether it has answered */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean> | boolean;
  readonly more?: Configuration;
}

const SCOPES = {
  openid: ['sub', 'tid', 'xms_edov'],
  email: ['email', 'email_verified', 'hd'],
  profile: ['name', 'given_name', 'family_name', 'picture'],
  name: [],
};

/**
 * A real OpenID provider in this process, with people who agree to everything at once. Whoever is unknown to it does
 * not sign in.
 */
export async function startOidcProvider({ issuer: own, clients, routes, before, more }: Options): Promise<OidcStandIn> {
  const people = new Map<string, Claims>();
  const requests: string[] = [];
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const issuer = own ?? url;
  const provider = await newProvider(issuer, people, { clients, ...(routes && { routes }), ...more });
  const answer = provider.callback();

  const standIn: OidcStandIn = {
    issuer,
    url,
    people,
    requests,
    failures: 0,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.on('request', async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    try {
      if (standIn.failures > 0) {
        standIn.failures -= 1;
        response.writeHead(502).end('Bad Gateway');
        return;
      }
      if (await before?.(request, response)) return;
      if (request.url?.startsWith('/interaction/')) await interact(provider, people, request, response);
      else answer(request, response);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  return standIn;
}

async function newProvider(issuer: string, people: Map<string, Claims>, more: Configuration): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  // It says that it is meant for a newer runtime, and keeps all in memory.
  const warnings = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'info')].map((spy) => spy.mockReturnValue());
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: issuer }] },
    cookies: { keys: ['a key of a stand-in'] },
    claims: SCOPES,
    scopes: Object.keys(SCOPES),
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    findAccount: async (_context, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, ...people.get(id) }),
    }),
    loadExistingGrant: async ({
      oidc: {
        provider: { Grant },
        client,
        session,
        params,
      },
    }) => {
      const grant = new Grant({ clientId: client?.clientId ?? '', accountId: session?.accountId ?? '' });
      grant.addOIDCScope(String(params?.['scope']));
      await grant.save();
      return grant;
    },
    ...more,
  });
  for (const warning of warnings) warning.mockRestore();
  // Behind its own address, where it has another one than where it listens.
  provider.proxy = true;
  return provider;
}

async function interact(
  provider: Provider,
  people: Map<string, Claims>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const person = String(request.headers[PERSON]);
  const result = people.has(person)
    ? { login: { accountId: person } }
    : { error: 'access_denied', error_description: 'They would rather not.' };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}
