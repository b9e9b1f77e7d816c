import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import type { FastifyBaseLogger, FastifyHttpOptions, RawServerDefault } from 'fastify';
import { type Config, list } from './config.ts';
import { createLogger } from './logging.ts';
import { answerClientError, answerFrameworkError } from './plugins/error-handler.ts';
import { RequestLog, requestId } from './plugins/request-context.ts';
import { buildValidator, oncePerSchema, oncePerSchemas } from './plugins/validation.ts';

/** Longer than a load balancer usually keeps an idle connection (60 s), so that it never writes to one just closed. */
const KEEP_ALIVE_MS = 65_000;

/** A silent connection is cut after this; longer than any request may wait for its turn to be hashed. */
const CONNECTION_MS = 120_000;

/** How often overdue requests are looked for; Node's default (30 s) would let a 10 s limit take 40 s. */
const TIMEOUT_CHECK_MS = 1_000;

const MAX_HEADER_BYTES = 16_384;

/** A path parameter is an id, a code or a name; none is longer. */
const MAX_PARAMETER_LENGTH = 100;

const serializers = SerializerSelector();

const buildSerializer: ReturnType<typeof SerializerSelector> = oncePerSchemas((...schemas) =>
  oncePerSchema(serializers(...schemas)),
);

/** How the HTTP server behaves before any plugin has a say. */
export function serverOptions(
  config: Config,
  logger: FastifyBaseLogger = createLogger(config),
): FastifyHttpOptions<RawServerDefault, FastifyBaseLogger> {
  const proxies = list(config.TRUSTED_PROXIES);
  const timeout = config.REQUEST_TIMEOUT_MS;
  return {
    loggerInstance: logger,
    logController: new RequestLog(),
    genReqId: requestId,
    requestIdHeader: false,
    // Without a trusted proxy, whoever connects is whom they connect as: forwarded headers are hearsay.
    trustProxy: proxies.length > 0 ? proxies : false,
    bodyLimit: config.BODY_LIMIT,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: timeout, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    requestTimeout: timeout,
    handlerTimeout: config.RESPONSE_TIMEOUT_MS,
    connectionTimeout: CONNECTION_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // While draining, a request that still comes on an open connection is served, and the connection closed after it.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    // Fastify's type describes the factory of its own package, which takes a schema; it calls this one with its route part.
    schemaController: { compilersFactory: { buildValidator: buildValidator as never, buildSerializer } },
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
  };
}
