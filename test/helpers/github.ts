import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Claims, PERSON } from './oidc-provider.ts';

export interface GitHubStandIn {
  readonly url: string;
  /** What `/user` tells, by login. */
  readonly people: Map<string, Claims>;
  /** What `/user/emails` tells, by login. */
  readonly emails: Map<string, readonly Claims[]>;
  close(): Promise<void>;
}

interface Grant {
  readonly login: string;
  readonly query: URLSearchParams;
}

interface Answer {
  readonly status?: number;
  readonly location?: string;
  readonly body?: unknown;
}

/**
 * A server that speaks plain OAuth 2 as GitHub documents it: no ID tokens, errors of the token endpoint under status 200,
 * secrets in the body alone, numbers for ids, and addresses apart from the person.
 */
export async function startGitHub(client: { readonly id: string; readonly secret: string }): Promise<GitHubStandIn> {
  const people = new Map<string, Claims>();
  const emails = new Map<string, readonly Claims[]>();
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, Grant>();

  function authorize(query: URLSearchParams, login: string): Answer {
    const back = new URL(query.get('redirect_uri') ?? '');
    back.searchParams.set('state', query.get('state') ?? '');
    if (query.get('client_id') !== client.id) return { status: 404, body: 'Not Found' };
    if (!people.has(login)) {
      back.searchParams.set('error', 'access_denied');
      return { status: 302, location: back.href };
    }
    const code = randomBytes(10).toString('hex');
    codes.set(code, { login, query });
    back.searchParams.set('code', code);
    return { status: 302, location: back.href };
  }

  function exchange(form: URLSearchParams): Answer {
    const grant = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    if (form.get('client_id') !== client.id || form.get('client_secret') !== client.secret)
      return { body: { error: 'incorrect_client_credentials' } };
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const right =
      grant?.query.get('code_challenge') === challenge &&
      grant.query.get('code_challenge_method') === 'S256' &&
      grant.query.get('redirect_uri') === form.get('redirect_uri');
    if (!grant || !right) return { body: { error: 'bad_verification_code' } };
    const token = `gho_${randomBytes(18).toString('hex')}`;
    tokens.set(token, grant);
    const scope = (grant.query.get('scope') ?? '').split(' ').join(',');
    return { body: { access_token: token, token_type: 'bearer', scope } };
  }

  function api(path: string, { headers }: IncomingMessage): Answer {
    const grant = tokens.get(/^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '');
    if (!grant) return { status: 401, body: { message: 'Bad credentials' } };
    if (path === '/user') return { body: people.get(grant.login) };
    const allowed = (grant.query.get('scope') ?? '').split(' ').includes('user:email');
    return allowed ? { body: emails.get(grant.login) ?? [] } : { status: 404, body: { message: 'Not Found' } };
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const {
      status = 200,
      location,
      body,
    } = pathname === '/login/oauth/authorize'
      ? authorize(searchParams, String(request.headers[PERSON]))
      : pathname === '/login/oauth/access_token'
        ? exchange(new URLSearchParams(await text(request)))
        : api(pathname, request);
    response.writeHead(status, { 'content-type': 'application/json', ...(location && { location }) });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    people,
    emails,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
