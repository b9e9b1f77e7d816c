import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError } from '../errors.ts';
import { limitKey } from '../lib/client-address.ts';
import { SAFE_METHODS } from '../lib/http-methods.ts';
import { LocalCounter } from '../lib/local-counter.ts';
import { type Count, type Limit, openCounter } from '../models/rate-limit.ts';
import type { App } from '../types/fastify.ts';
import { callerName } from './authentication.ts';

/** Reads of one session or API key, on each instance: plenty for a person, little for a crawler. */
const READS: Limit = { name: 'reads', max: 600, windowMs: 60_000 };

/** Unsafe requests to a route that names no limit of its own, by account or address. */
const WRITES: Limit = { name: 'writes', max: 120, windowMs: 60_000 };

/** Sessions counted in one process; the counts of as many take about 2 MB. */
const MAX_LOCAL_KEYS = 20_000;

type LimitHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
type SyncLimitHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** Header values that do not change from one request to the next. */
interface Policy {
  readonly limit: Limit;
  readonly header: string;
}

/** RFC 9651 structured fields, as draft-ietf-httpapi-ratelimit-headers writes them. */
const policyOf = (limit: Limit): Policy => ({
  limit,
  header: `"${limit.name}";q=${limit.max};w=${Math.ceil(limit.windowMs / 1000)}`,
});

/** Tells the client where it stands. Returns the error when it has gone too far. */
function settle({ limit, header }: Policy, { count, resetMs }: Count, reply: FastifyReply): AppError | undefined {
  const seconds = Math.max(1, Math.ceil(resetMs / 1000));
  reply.header('ratelimit-policy', header);
  reply.header('ratelimit', `"${limit.name}";r=${Math.max(0, limit.max - count)};t=${seconds}`);
  if (count <= limit.max) return undefined;
  return new AppError('rate-limited', { headers: { 'retry-after': String(seconds) } });
}

/**
 * Counts in the database, so that more instances do not mean more tries. It runs before the body is read, and
 * everybody in one IPv6 /64 shares a count. The key is a MAC: the counters name nobody.
 */
function sharedLimit(app: App, policy: Policy): LimitHook {
  const { keyring } = app.deps;
  const counter = openCounter(policy.limit);
  return async (request, reply) => {
    const who = callerName(request) ?? `address:${limitKey(request.ip)}`;
    const key = keyring.mac('rate-limit', who).toString('base64url');
    const exceeded = settle(policy, await counter.countUp(key), reply);
    if (exceeded) throw exceeded;
  };
}

/** Counts in this process: a read costs no command in the database for being limited. */
function localLimit(policy: Policy): SyncLimitHook {
  const counter = new LocalCounter({ windowMs: policy.limit.windowMs, maxKeys: MAX_LOCAL_KEYS });
  return (request, reply, done) => {
    const caller = request.session ?? request.apiKey;
    if (caller) done(settle(policy, counter.countUp(String(caller._id)), reply));
    else done();
  };
}

/** A limit that a safe route names for itself: local for whoever is signed in, shared for everybody else. */
function eitherLimit(local: SyncLimitHook, shared: LimitHook): SyncLimitHook {
  return (request, reply, done) => {
    if (request.session || request.apiKey) local(request, reply, done);
    else shared(request, reply).then(() => done(), done);
  };
}

async function rateLimit(app: App): Promise<void> {
  const policy = (limit: Limit): Policy => policyOf({ ...limit, max: limit.max * app.config.RATE_LIMIT_MULTIPLIER });
  const reads = localLimit(policy(READS));

  function hookOf(safe: boolean, limit: Limit | undefined): LimitHook | SyncLimitHook {
    if (!safe) return sharedLimit(app, policy(limit ?? WRITES));
    return limit ? eitherLimit(localLimit(policy(limit)), sharedLimit(app, policy(limit))) : reads;
  }

  app.addHook('onRoute', (route) => {
    const limit = route.config?.limit;
    if (!limit && !route.url.startsWith('/v1/')) return;
    const safe = [route.method].flat().every((method) => SAFE_METHODS.has(method));
    // Behind the hooks of the scope: who is signed in is counted as themselves, wherever they come from.
    route.onRequest = [route.onRequest ?? [], hookOf(safe, limit)].flat();
  });
}

export default fp(rateLimit, { name: 'rate-limit', dependencies: ['error-handler'] });
