import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError } from '../errors.ts';
import { claimKey, type KeptResponse, keepResponse, releaseKey } from '../models/idempotency-key.ts';
import type { App } from '../types/fastify.ts';
import { callerName } from './authentication.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on the first request under an idempotency key, until its response is kept. */
    idempotencyClaim: { readonly id: string; readonly lease: Date } | null;
  }
}

const WELL_FORMED = /^[\x21-\x7e]{1,255}$/;

/** What a replay needs besides status and body. */
const KEPT_HEADERS = ['content-type', 'location', 'etag'] as const;

const PURPOSE = 'idempotency';

/** JSON with its keys in order, so that a client may write the same body in another one. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/** The request in the words that tell it from another one; never a password. */
function fingerprinted({ body, url }: FastifyRequest, without: readonly string[]): string {
  if (typeof body !== 'object' || body === null) return canonical([url, body ?? null]);
  const kept = Object.entries(body).filter(([name]) => !without.includes(name));
  return canonical([url, Object.fromEntries(kept)]);
}

/** Answers with the first response under this key, or claims it; or says why neither can be. */
function claim({ deps }: App, route: string, without: readonly string[]) {
  const mac = (...parts: readonly string[]) => deps.keyring.mac(PURPOSE, JSON.stringify(parts)).toString('base64url');

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const key = keyOf(request);
    if (key === undefined) return;
    const fingerprint = mac('request', fingerprinted(request, without));
    // Without an account, whoever guesses a key must know the whole request to be told its response.
    const actor = callerName(request) ?? `anonymous:${fingerprint}`;
    const id = mac('key', actor, route, key);
    const found = await claimKey(deps.keyring, id, fingerprint);
    if (found.state === 'claimed') request.idempotencyClaim = { id, lease: found.lease };
    else if (found.state === 'reused') throw new AppError('idempotency-key-reused');
    else if (found.state === 'running')
      throw new AppError('idempotency-in-progress', { headers: { 'retry-after': '1' } });
    else await replay(found.response, reply);
  };
}

/** @throws {AppError} `invalid-idempotency-key` */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !WELL_FORMED.test(key)) throw new AppError('invalid-idempotency-key');
  return key;
}

async function replay({ statusCode, headers, body }: KeptResponse, reply: FastifyReply): Promise<void> {
  await reply.code(statusCode).headers(headers).header('idempotency-replayed', 'true').send(body);
}

/** A response that a retry should get again. A failure, or being told to wait, is not one: the retry runs anew. */
const isFinal = (statusCode: number): boolean => statusCode < 500 && statusCode !== 429;

const hasTimedOut = ({ signal }: FastifyRequest): boolean => signal.reason?.code === 'FST_ERR_HANDLER_TIMEOUT';

/** Keeps the first response before the client gets it: whoever has seen it will see it again. */
function keep({ deps }: App) {
  return async (request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<void> => {
    const { idempotencyClaim } = request;
    if (!idempotencyClaim) return;
    request.idempotencyClaim = null;
    // What was asked for goes on behind such an answer: a retry must not run beside it before the lease ends.
    if (hasTimedOut(request)) return;
    const { id, lease } = idempotencyClaim;
    try {
      if (!isFinal(reply.statusCode)) return await releaseKey(id, lease);
      const headers = KEPT_HEADERS.flatMap((name) =>
        reply.hasHeader(name) ? [[name, String(reply.getHeader(name))]] : [],
      );
      await keepResponse(deps.keyring, idempotencyClaim, {
        statusCode: reply.statusCode,
        headers: Object.fromEntries(headers),
        ...(typeof payload === 'string' && { body: payload }),
      });
    } catch (error) {
      // What was asked for has been done, so the client hears of it; a retry is told to wait until the lease ends.
      request.log.warn({ err: error }, 'the response could not be kept for a replay');
    }
  };
}

function refuseKey(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  done(request.headers['idempotency-key'] === undefined ? undefined : new AppError('idempotency-not-supported'));
}

async function idempotency(app: App): Promise<void> {
  app.decorateRequest('idempotencyClaim', null);
  app.addHook('onRoute', (route) => {
    if (route.method !== 'POST' || !route.url.startsWith('/v1/')) return;
    const { secretResponse = false, fingerprintWithout = [] } = route.config ?? {};
    if (secretResponse) {
      route.onRequest = [route.onRequest ?? [], refuseKey].flat();
      return;
    }
    // After validation, so that an invalid request spends no key.
    route.preHandler = [claim(app, route.url, fingerprintWithout), route.preHandler ?? []].flat();
    route.onSend = [route.onSend ?? [], keep(app)].flat();
  });
}

export default fp(idempotency, { name: 'idempotency', dependencies: ['rate-limit'] });
