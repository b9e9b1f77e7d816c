import type { LightMyRequestResponse as Response } from 'fastify';
import type { TestApp } from './app.ts';
import { call, type Options, PASSWORD } from './people.ts';

type Method = Parameters<typeof call>[1];

/** What tells a browser from other clients here: it keeps cookies, sends them along, and says where its page is from. */
export interface Browser {
  /** By name; a test may change them behind the browser's back. */
  readonly cookies: Map<string, string>;
  call(method: Method, url: string, body?: unknown, options?: Options & { on?: TestApp }): Promise<Response>;
}

export const ACCESS = '__Host-roster-access';
export const REFRESH = '__Host-roster-refresh';

/** A browser without cookies, with a page of the service itself unless it is one from elsewhere. */
export function openBrowser(service: TestApp, origin = new URL(service.config.PUBLIC_URL).origin): Browser {
  const cookies = new Map<string, string>();
  return {
    cookies,
    async call(method, url, body, { on = service, ...options } = {}) {
      const cookie = cookieHeader(cookies);
      const headers = { ...(method !== 'GET' && { origin }), ...(cookie && { cookie }), ...options.headers };
      const response = await call(on, method, url, body, { ...options, headers });
      for (const { name, value, maxAge } of response.cookies)
        if (maxAge === 0) cookies.delete(name);
        else cookies.set(name, value);
      return response;
    },
  };
}

export const cookieHeader = (cookies: ReadonlyMap<string, string>): string =>
  [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

/** A session of a browser. */
export interface BrowserSession {
  readonly browser: Browser;
  readonly sessionId: string;
}

/** Signs in by cookie; throws when the answer is not a session. */
export async function browserSignIn(
  service: TestApp,
  email: string,
  { browser = openBrowser(service), password = PASSWORD }: { browser?: Browser; password?: string } = {},
): Promise<BrowserSession> {
  const response = await browser.call('POST', '/v1/sessions', { email, password, transport: 'cookie' });
  if (response.statusCode !== 201) throw new Error(`sign-in answered ${response.statusCode}: ${response.body}`);
  return { browser, sessionId: response.json().session.id };
}
