import cors from '@fastify/cors';
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import underPressure from '@fastify/under-pressure';
import fastify, { type FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { list } from '../config.ts';
import { AppError } from '../errors.ts';
import type { App } from '../types/fastify.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Sent with every response of the API. */
    readonly securityHeaders: Readonly<Record<string, string>>;
  }
}

/** What a browser script may read of a response besides its body. */
const EXPOSED_HEADERS = [
  'ETag',
  'Link',
  'Location',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'X-Request-Id',
  'Idempotency-Replayed',
];

const ALLOWED_HEADERS = ['Authorization', 'Content-Type', 'If-Match', 'Idempotency-Key', 'X-Request-Id'];

/** Browsers keep the answer to a preflight for two hours at the most. */
const PREFLIGHT_SECONDS = 7200;

/** How often the lag of the event loop is taken. */
const LAG_SAMPLE_MS = 1_000;

const RETRY_SOON = { headers: { 'retry-after': '3' } };

/** The documentation runs a script and a style sheet of its own; they come from here, and it calls this service. */
export const DOCUMENTATION_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The pages of mailed links: their own script and style sheet, requests to this service, and nothing else. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

/**
 * helmet builds its headers anew for every request, and here they are the same for all: they are taken once, from
 * the answer of an application that has nothing else.
 */
async function helmetHeaders(options: FastifyHelmetOptions): Promise<Record<string, string>> {
  const probe = fastify();
  await probe.register(helmet, options);
  probe.get('/', (_request, reply) => reply.code(204).send());
  const { headers } = await probe.inject('/');
  await probe.close();
  const { date: _, connection: __, ...kept } = headers;
  return kept as Record<string, string>;
}

async function security(app: App): Promise<void> {
  const { config } = app;
  const headers = Object.freeze({
    ...(await helmetHeaders({
      // Nothing that the API answers is a document to a browser.
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      // A browser that heard this over plain HTTP would ignore it, and on localhost it would lock the developer out.
      strictTransportSecurity: config.PUBLIC_URL.startsWith('https:') && {
        maxAge: 31_536_000,
        includeSubDomains: true,
      },
      referrerPolicy: { policy: 'no-referrer' },
      xFrameOptions: { action: 'deny' },
      // For browsers of another age, or for pages that run scripts; every header costs on every response.
      originAgentCluster: false,
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
    })),
    // Accounts and tokens are nobody's to cache; what may be cached says so itself.
    'cache-control': 'no-store',
  });
  app.decorate('securityHeaders', headers);
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });

  const origins = new Set(list(config.CORS_ORIGINS));
  if (origins.size > 0) {
    await app.register(cors, {
      // A foreign origin gets no CORS header at all, so its browser keeps the answer from it.
      origin: (origin, answer) => answer(null, origin !== undefined && origins.has(origin)),
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: ALLOWED_HEADERS,
      exposedHeaders: EXPOSED_HEADERS,
      // Their pages may call by cookie; browsers send it there only within one site (`SameSite`).
      credentials: true,
      maxAge: PREFLIGHT_SECONDS,
      strictPreflight: false,
    });
  }

  await shedLoad(app);
}

/**
 * Turns requests away while the event loop lags, and those that hash while too many wait for that: those that are
 * taken are still answered in time. Before anything is asked of the database, or a flood would keep that busy.
 */
async function shedLoad(app: App): Promise<void> {
  app.addHook('onRoute', (route) => {
    if (route.config?.hashes) route.onRequest = [refuseWhenHashingIsFull, route.onRequest ?? []].flat();
  });
  let settledAt = 0;
  app.addHook('onListen', (done) => {
    // Loading the program holds up the loop as well, and that is no reason to turn the first requests away.
    settledAt = Date.now() + 2 * LAG_SAMPLE_MS;
    done();
  });
  await app.register(underPressure, {
    maxEventLoopDelay: app.config.MAX_EVENT_LOOP_DELAY_MS,
    sampleInterval: LAG_SAMPLE_MS,
    pressureHandler: async (_request, _reply, _type, lag) => {
      // Infinity stands for an interval without a measurement; the next one has it.
      if (lag !== Number.POSITIVE_INFINITY && Date.now() >= settledAt) throw new AppError('overloaded', RETRY_SOON);
    },
  });
}

function refuseWhenHashingIsFull({ server }: FastifyRequest, _reply: unknown, done: () => void): void {
  server.deps.passwords.assertRoom();
  done();
}

export default fp(security, { name: 'security', dependencies: ['error-handler'] });
