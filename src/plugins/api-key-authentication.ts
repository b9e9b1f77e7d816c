import type { FastifyReply, FastifyRequest } from 'fastify';
import { list } from '../config.ts';
import { AppError } from '../errors.ts';
import { hashApiKey, isHashOf, prefixOf } from '../lib/api-key.ts';
import { limitKey } from '../lib/client-address.ts';
import { LocalCounter } from '../lib/local-counter.ts';
import { heldOf, type Permission, permissionsOf, rolesInForce } from '../lib/permissions.ts';
import { findApiKey, noteUse, USE_NOTED_MS } from '../models/api-key.ts';
import type { App, AuthenticatedApiKey } from '../types/fastify.ts';

const BEARER = /^Bearer (rk_[\w-]+)$/i;

/** Keys that count for nothing, from one address in a minute, before more of them are looked up no longer. */
const MAX_FAILURES = 60;
const WINDOW_MS = 60_000;

/** Addresses that are counted, and keys that are remembered, on each instance: of about 150 bytes each. */
const REMEMBERED = 10_000;

/** What the request offers as an API key, whether it is one or not; undefined where it offers none. */
export const offeredApiKey = ({ headers: { authorization = '' } }: FastifyRequest): string | undefined =>
  BEARER.exec(authorization)?.[1];

export interface AdmittedApiKey {
  readonly apiKey: AuthenticatedApiKey;
  /** What it was given, as far as its maker may do that as well. */
  readonly permissions: ReadonlySet<Permission>;
}

/**
 * Tells which API key calls. The key and its maker are read at every request, so that whatever ends or changes one of
 * them counts at once.
 */
export function apiKeyAuthenticator({ config }: Pick<App, 'config'>) {
  const strict = new Set(list(config.SECOND_FACTOR_ROLES));
  const maxFailures = MAX_FAILURES * config.RATE_LIMIT_MULTIPLIER;
  const failures = new LocalCounter({ windowMs: WINDOW_MS, maxKeys: REMEMBERED });
  /** Hash of a key that was good → when its last use was noted. */
  const good = new Map<string, number>();

  function remember(hash: string, notedAt: number): void {
    good.delete(hash);
    if (good.size >= REMEMBERED) good.delete(good.keys().next().value ?? '');
    good.set(hash, notedAt);
  }

  /** Behind the answer, and left out where too much is waiting there: nobody is refused over it. */
  function note(request: FastifyRequest, reply: FastifyReply, { _id }: AuthenticatedApiKey): void {
    try {
      reply.afterwards(() => noteUse(_id));
    } catch (error) {
      request.log.warn({ err: error, apiKeyId: _id }, 'the use of an API key was not noted');
    }
  }

  async function find(request: FastifyRequest, key: string, hash: string) {
    const prefix = prefixOf(key);
    if (prefix === undefined) throw invalid();
    const address = limitKey(request.ip);
    // Whoever sends nothing but wrong keys costs no more reads. A good key that calls from there is known to be one.
    const { count, resetMs } = failures.peek(address);
    if (!good.has(hash) && count >= maxFailures) throw tooMany(resetMs);
    const found = await findApiKey(prefix);
    if (found && isHashOf(found.hash, hash)) return found;
    good.delete(hash);
    failures.countUp(address);
    throw invalid();
  }

  /** @throws {AppError} `invalid-token` with a key that counts for nothing, `rate-limited` with too many of them */
  return async function admit(request: FastifyRequest, reply: FastifyReply, key: string): Promise<AdmittedApiKey> {
    const hash = hashApiKey(key);
    const { permissions, authenticationMethods, maker, lastUsedAt, _id } = await find(request, key, hash);
    const apiKey = { _id };
    const now = Date.now();
    const notedAt = Math.max(lastUsedAt?.getTime() ?? 0, good.get(hash) ?? 0);
    const due = now - notedAt >= USE_NOTED_MS;
    remember(hash, due ? now : notedAt);
    if (due) note(request, reply, apiKey);
    const roles = rolesInForce({ roles: maker.roles, authenticationMethods }, strict);
    return { apiKey, permissions: new Set(heldOf(permissions, permissionsOf(roles))) };
  };
}

/** RFC 6750, section 3. */
const invalid = (): AppError =>
  new AppError('invalid-token', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });

const tooMany = (resetMs: number): AppError =>
  new AppError('rate-limited', { headers: { 'retry-after': String(Math.max(1, Math.ceil(resetMs / 1000))) } });
