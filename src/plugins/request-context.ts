import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import fp from 'fastify-plugin';
import type { App } from '../types/fastify.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** The code of the problem that was answered, for the log. */
    problemCode: string | null;
  }
}

/** Long enough to be unique, short and plain enough for a log line, a header and an index. */
const WELL_FORMED = /^[A-Za-z0-9._-]{8,64}$/;

/** Query parameters whose values are logged: they are about the page, never about a person. */
const LOGGED_PARAMETERS: ReadonlySet<string> = new Set(['limit', 'sort', 'total', 'status']);

/** The client's id for the request if it is well-formed, else a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && WELL_FORMED.test(given) ? given : randomUUID();
}

/** A longer path is not one of ours; a flood of them should not fill the log. */
const LOGGED_URL_LENGTH = 512;

/** The URL as it is logged: parameters stay, values go, since a search or a token may be in one. */
export function loggedUrl(url: string): string {
  const start = url.indexOf('?');
  if (start === -1) return url.slice(0, LOGGED_URL_LENGTH);
  const parameters = url
    .slice(start + 1)
    .split('&')
    .map((parameter) => {
      const [name = ''] = parameter.split('=', 1);
      return LOGGED_PARAMETERS.has(name) ? parameter : `${name}=…`;
    });
  return `${url.slice(0, start)}?${parameters.join('&')}`.slice(0, LOGGED_URL_LENGTH);
}

/** One line a request, when it is answered; what went wrong inside is logged where it is handled. */
export function logAnswer(request: FastifyRequest, reply: FastifyReply, error?: Error | null): void {
  const { session, apiKey } = request;
  request.log.info(
    {
      method: request.method,
      url: loggedUrl(request.url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 100) / 100,
      ip: request.ip,
      ...(session && { userId: session.userId, sessionId: session._id }),
      ...(apiKey && { apiKeyId: apiKey._id }),
      ...(reply.problemCode && { code: reply.problemCode }),
      ...(error && { err: error }),
    },
    'request',
  );
}

export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(): void {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    logAnswer(request, reply, error);
  }

  override routeNotFound(): void {}

  override defaultErrorLog(error: Error, request: FastifyRequest): void {
    request.log.error({ err: error }, 'unhandled error');
  }

  override streamError(error: Error, request: FastifyRequest): void {
    request.log.warn({ err: error }, 'response cut short');
  }

  override writeHeadError(error: Error, request: FastifyRequest): void {
    request.log.error({ err: error }, 'response headers refused');
  }
}

/** Puts the request's id on its response; a client that reports a failure can name it. */
async function requestContext(app: App): Promise<void> {
  app.decorateReply('problemCode', null);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // A connection that is kept would be closed while a client is writing its next request to it.
    if (app.deps.leaving?.aborted) reply.header('connection', 'close');
    done();
  });
}

export default fp(requestContext, { name: 'request-context' });
