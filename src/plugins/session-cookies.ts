import cookie from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Config, list } from '../config.ts';
import { AppError } from '../errors.ts';
import { SAFE_METHODS } from '../lib/http-methods.ts';
import { isTrustworthy } from '../lib/trustworthy-url.ts';
import type { SessionTransport } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Refuses an unsafe request that a page of somebody else's may have sent. Whatever cookies decide about asks this
     * before it does anything.
     * @throws {AppError} `foreign-origin`
     */
    readonly refuseForeignOrigin: (request: FastifyRequest) => void;
  }
}

/** The prefix: browsers take such a cookie from this very host alone, so that no neighbouring one can plant it (RFC 6265bis). */
export const ACCESS_COOKIE = '__Host-roster-access';
export const REFRESH_COOKIE = '__Host-roster-refresh';

/** `Path=/` and `Secure` are what the prefix asks for. */
const ATTRIBUTES = { path: '/', httpOnly: true, secure: true, sameSite: 'lax' } as const;

interface SessionCookies {
  readonly access?: string | undefined;
  readonly refresh?: string | undefined;
}

/** The tokens that came as cookies; whether they are any is for others to say. */
export function sessionCookies({ headers, server }: FastifyRequest): SessionCookies {
  if (headers.cookie === undefined) return {};
  const { [ACCESS_COOKIE]: access, [REFRESH_COOKIE]: refresh } = server.parseCookie(headers.cookie);
  return { access, refresh };
}

interface Lasting {
  readonly token: string;
  readonly expiresAt: Date;
}

export function setSessionCookies(
  reply: FastifyReply,
  { access, refresh }: Record<'access' | 'refresh', Lasting>,
): void {
  const secondsTo = (time: Date): number => Math.ceil((time.getTime() - Date.now()) / 1000);
  void reply
    .setCookie(ACCESS_COOKIE, access.token, { ...ATTRIBUTES, maxAge: secondsTo(access.expiresAt) })
    .setCookie(REFRESH_COOKIE, refresh.token, { ...ATTRIBUTES, maxAge: secondsTo(refresh.expiresAt) });
}

/** Takes its cookies from a browser that has just ended its own session. `Authorization` was of another one than they. */
export function clearSessionCookies({ headers }: FastifyRequest, reply: FastifyReply): void {
  if (headers.authorization !== undefined) return;
  void reply.clearCookie(ACCESS_COOKIE, ATTRIBUTES).clearCookie(REFRESH_COOKIE, ATTRIBUTES);
}

/**
 * Browsers send `Origin` with every unsafe request. Where it was lost on the way `Sec-Fetch-Site` tells the same, and
 * no page can write either. Whoever sends neither is not a browser, and needs no cookies. The own address is that of
 * the configuration: `Host` and forwarded headers say what their sender likes.
 */
function originCheck({ PUBLIC_URL, CORS_ORIGINS }: Config) {
  const own: ReadonlySet<string> = new Set([new URL(PUBLIC_URL).origin, ...list(CORS_ORIGINS)]);
  return ({ method, headers }: FastifyRequest): void => {
    if (SAFE_METHODS.has(method)) return;
    const { origin, 'sec-fetch-site': site } = headers;
    if (origin === undefined ? site !== 'same-origin' : !own.has(origin)) throw new AppError('foreign-origin');
  };
}

const cookiesNeedHttps = (): AppError =>
  new AppError('validation-failed', {
    errors: [{ pointer: '/transport', code: 'not-allowed', detail: 'cookies need HTTPS, and PUBLIC_URL is http' }],
  });

async function cookies(app: App): Promise<void> {
  const refuseForeignOrigin = originCheck(app.config);
  const secure = isTrustworthy(app.config.PUBLIC_URL);
  app.decorate('refuseForeignOrigin', refuseForeignOrigin);
  // Read where they are needed: a request with a bearer token pays nothing for them.
  await app.register(cookie, { hook: false });

  /**
   * On every route with a body, as its schema decides whether it may ask for cookies: no way to sign in can forget
   * this. Without it a page elsewhere could sign its visitors in to an account of its own.
   */
  async function admitTransport(request: FastifyRequest): Promise<void> {
    if (transportOf(request) !== 'cookie') return;
    if (!secure) throw cookiesNeedHttps();
    refuseForeignOrigin(request);
  }

  app.addHook('onRoute', (route) => {
    if (route.schema?.body === undefined) return;
    route.preHandler = [admitTransport, route.preHandler ?? []].flat();
  });
}

/** How a body asks to be given the tokens of its session. */
export const transportOf = ({ body }: FastifyRequest): SessionTransport =>
  typeof body === 'object' && body !== null && 'transport' in body && body.transport === 'cookie' ? 'cookie' : 'token';

export default fp(cookies, { name: 'session-cookies', dependencies: ['error-handler'] });
