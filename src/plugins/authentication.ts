import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { list } from '../config.ts';
import { AppError } from '../errors.ts';
import { type VerifiedToken, verifyAccessToken } from '../lib/access-token.ts';
import { type Permission, permissionsOf, rolesInForce } from '../lib/permissions.ts';
import { findSession } from '../models/session.ts';
import type { Access, App, AuthenticatedSession, RouteEntry } from '../types/fastify.ts';
import { apiKeyAuthenticator, offeredApiKey } from './api-key-authentication.ts';
import { sessionCookies } from './session-cookies.ts';

/** A sign-in counts as recent for this long; sensitive changes ask for one. */
const RECENT_MS = 10 * 60_000;

/** Verified tokens remembered at the most, of about 500 bytes each. */
const REMEMBERED = 10_000;

const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Tells who calls. Verifying a signature costs as much as reading a session, so a verified token is remembered until
 * it expires or its key is not trusted any more; the session itself is read at every request, so that whatever ends or
 * changes it counts at once.
 */
function authenticator({ config, deps }: Pick<App, 'config' | 'deps'>) {
  const parties = { issuer: config.PUBLIC_URL };
  const verified = new Map<string, VerifiedToken>();
  const findKey = (kid: string) => deps.signingKeys.find(kid);

  async function verify(token: string): Promise<VerifiedToken | undefined> {
    const known = verified.get(token);
    if (known) return known.expiresAt > Date.now() && (await findKey(known.kid)) ? known : undefined;
    const fresh = await verifyAccessToken(token, findKey, parties);
    if (fresh) {
      if (verified.size >= REMEMBERED) verified.delete(verified.keys().next().value ?? '');
      verified.set(token, fresh);
    }
    return fresh;
  }

  /**
   * @throws {AppError} `unauthenticated` without a token, `invalid-token` with one that counts for nothing,
   *   `foreign-origin` where a page elsewhere may have sent the cookie
   */
  return async function authenticate(request: FastifyRequest): Promise<AuthenticatedSession> {
    const token = presentedToken(request);
    const claims = token === undefined ? undefined : await verify(token);
    const session = claims && (await findSession(claims.sessionId, claims.userId));
    if (!session) throw new AppError('invalid-token', { headers: INVALID_CHALLENGE });
    return session;
  };
}

/** The token of the request, undefined for what has not the shape of one. `Authorization` goes before a cookie. */
function presentedToken(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) return BEARER.exec(authorization)?.[1];
  const { access } = sessionCookies(request);
  if (access === undefined) throw new AppError('unauthenticated', { headers: CHALLENGE });
  request.server.refuseForeignOrigin(request);
  return JWT.test(access) ? access : undefined;
}

/** RFC 6750, section 3. */
const CHALLENGE = { 'www-authenticate': 'Bearer' };
const INVALID_CHALLENGE = { 'www-authenticate': 'Bearer error="invalid_token"' };

/** Until when a sign-in or a reauthentication counts as recent. */
export const recentUntil = ({ authenticatedAt }: Pick<AuthenticatedSession, 'authenticatedAt'>): Date =>
  new Date(authenticatedAt.getTime() + RECENT_MS);

const signedInRecently = (session: AuthenticatedSession): boolean => Date.now() <= recentUntil(session).getTime();

/**
 * For what must not be done from a session that was left open, or stolen. An API key passes, see `recent` of a route.
 * @throws {AppError} `reauthentication-required`
 */
export function assertRecent({ session }: FastifyRequest): void {
  if (session && !signedInRecently(session)) throw new AppError('reauthentication-required');
}

/** What the caller of a request may do, for routes that grant anything. */
export function permissionsOfCaller({ permissions }: FastifyRequest): ReadonlySet<Permission> {
  if (!permissions) throw new AppError('unauthenticated', { headers: CHALLENGE });
  return permissions;
}

/** Who calls, as what is counted or kept for them is named; undefined for nobody. */
export function callerName({ session, apiKey }: FastifyRequest): string | undefined {
  if (apiKey) return `api-key:${apiKey._id}`;
  return session ? `user:${session.userId}` : undefined;
}

/** The session of a request in a scope that asks for one. */
export function sessionOf({ session }: FastifyRequest): AuthenticatedSession {
  if (!session) throw new AppError('unauthenticated', { headers: CHALLENGE });
  return session;
}

/** Marks of routes that stand in a scope: to say `access` by itself guards nothing. */
const guarded = new WeakSet<object>();

/**
 * Opens an access scope: every route registered in it is marked with its level and guarded by it, before its body is
 * read. An admin route that names no permission does not boot, nor does another one with what is for admin routes.
 */
export function guard(app: App, access: Access): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access };
    guarded.add(route.config);
    const { permission, role, recent, sessionOnly } = route.config;
    if (access === 'admin' && permission === undefined && role === undefined)
      throw new Error(
        `${String(route.method)} ${route.url} is an admin route and names neither a permission nor a role`,
      );
    if (access !== 'admin' && (recent || sessionOnly))
      throw new Error(`${String(route.method)} ${route.url} is no admin route: recent and sessionOnly are for those`);
    if (route.config.optionalSession) route.onRequest = [whoeverCalls, route.onRequest ?? []].flat();
  });
  const authenticate = authenticator(app);
  async function whoeverCalls(request: FastifyRequest): Promise<void> {
    const presents = request.headers.authorization !== undefined || sessionCookies(request).access !== undefined;
    if (presents) request.session = await authenticate(request);
  }
  if (access === 'public') return;
  const admitSession = sessionAdmission(app, access, authenticate);
  const admitApiKey = access === 'admin' ? apiKeyAdmission(app) : undefined;
  app.addHook('onRequest', async (request, reply) => {
    const key = admitApiKey && offeredApiKey(request);
    await (key === undefined ? admitSession(request) : admitApiKey?.(request, reply, key));
  });
}

/** Lets a session in that has what its route asks for. */
function sessionAdmission(app: App, access: Access, authenticate: ReturnType<typeof authenticator>) {
  const strict = new Set(list(app.config.SECOND_FACTOR_ROLES));
  return async (request: FastifyRequest): Promise<void> => {
    const session = await authenticate(request);
    const roles = rolesInForce(session, strict);
    // Whatever a route decides by roles, it decides by those that count.
    request.session = roles === session.roles ? session : { ...session, roles };
    const permissions = permissionsOf(roles);
    request.permissions = permissions;
    const { permission, role, recent } = request.routeOptions.config;
    if (permission !== undefined && !permissions.has(permission))
      throw new AppError(permissionsOf(session.roles).has(permission) ? 'second-factor-required' : 'forbidden');
    if (role !== undefined && !roles.includes(role))
      throw new AppError(session.roles.includes(role) ? 'second-factor-required' : 'forbidden');
    if (access === 'recently-authenticated' || recent) assertRecent(request);
  };
}

/** Lets an API key in that has the permission of its route. It stands for no session: routes that need one refuse it. */
function apiKeyAdmission(app: App) {
  const authenticate = apiKeyAuthenticator(app);
  return async (request: FastifyRequest, reply: FastifyReply, key: string): Promise<void> => {
    const { apiKey, permissions } = await authenticate(request, reply, key);
    request.apiKey = apiKey;
    request.permissions = permissions;
    const { permission, sessionOnly } = request.routeOptions.config;
    if (sessionOnly) throw new AppError('forbidden', { detail: 'No API key may do this: sign in.' });
    if (permission === undefined || !permissions.has(permission)) throw new AppError('forbidden');
  };
}

interface RegisteredRoute {
  readonly method: string | string[];
  readonly url: string;
  config?: FastifyContextConfig;
}

function entriesOf({ method, url, config = {} }: RegisteredRoute): RouteEntry[] {
  const { access, permission, role, recent = false, sessionOnly = false, optionalSession = false } = config;
  return [method]
    .flat()
    .map((each) => ({ method: each, url, access, permission, role, recent, sessionOnly, optionalSession }));
}

/** Deny by default: a route that is neither in a scope nor public by its own word stops the boot. */
export default fp<Record<never, never>>(
  async (app) => {
    app.decorateRequest('session', null).decorateRequest('apiKey', null).decorateRequest('permissions', null);
    const routes: RegisteredRoute[] = [];
    app.addHook('onRoute', (route) => {
      routes.push(route as RegisteredRoute);
    });
    app.decorate('routeTable', {
      // Scopes mark a route after it has passed here, so their marks are read when somebody asks.
      getter: () => routes.flatMap(entriesOf),
    });
    app.addHook('onReady', async () => {
      const undeclared = routes.filter(({ config }) => !config || !(guarded.has(config) || config.access === 'public'));
      if (undeclared.length > 0)
        throw new Error(
          `Routes that stand in no access scope: ${undeclared.map(({ method, url }) => `${String(method)} ${url}`).join(', ')}`,
        );
    });
  },
  { name: 'authentication', dependencies: ['session-cookies'] },
);
