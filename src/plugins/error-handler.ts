import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError } from '../errors.ts';
import { DecryptionError } from '../lib/keyring.ts';
import { PROBLEM_TYPE, problemDocument, toAppError } from '../problem.ts';
import type { App } from '../types/fastify.ts';
import { logAnswer, requestId } from './request-context.ts';

/** Answers any error as a problem document; what is our fault is logged with its cause, and told to nobody else. */
function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toAppError(error);
  if (problem.code === 'internal-error') request.log.error({ err: error }, 'request failed');
  else if (error instanceof DecryptionError) request.log.error({ err: error }, 'a stored value could not be decrypted');
  // `overloaded` is in the line of the request already: a flood should not be told of twice.
  else if (problem.code === 'unavailable') request.log.warn({ err: error }, 'the database is out of reach');
  reply.problemCode = problem.code;
  // The rest of a body that nobody waits for would be taken for the next request. (Fastify closes the connection also
  // after one that has come in full.)
  if (awaitsBody(request)) reply.header('connection', 'close');
  else reply.removeHeader('connection');
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type(PROBLEM_TYPE)
    .send(problemDocument(problem, request.id));
}

const awaitsBody = ({ raw: { complete, headers } }: FastifyRequest): boolean =>
  !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);

/** For errors that the framework meets before it has a route: no hook has run, so the headers are set here. */
export function answerFrameworkError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(request.server.securityHeaders).header('x-request-id', request.id);
  answerProblem(error, request, reply);
  logAnswer(request, reply);
}

/** For what never became a request: garbage instead of HTTP, headers without end, a client that stopped halfway. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const known = toAppError(error);
    const problem = known.code === 'internal-error' ? new AppError('malformed-request') : known;
    const id = requestId({ headers: {} });
    const body = problemDocument(problem, id);
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${id}`,
      'X-Content-Type-Options: nosniff',
      'Cache-Control: no-store',
      'Connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroySoon();
}

/** Which methods each path answers, to tell a wrong method (405) from a wrong path (404). */
class RouteTable {
  readonly #routes = new Map<string, { readonly segments: readonly string[]; readonly methods: Set<string> }>();

  add(url: string, methods: string | readonly string[]): void {
    const route = this.#routes.get(url) ?? { segments: url.split('/'), methods: new Set() };
    for (const method of [methods].flat()) route.methods.add(method);
    this.#routes.set(url, route);
  }

  methodsOf(path: string): string[] {
    const parts = path.split('/');
    const found = [...this.#routes.values()].filter(
      ({ segments }) =>
        segments.length === parts.length &&
        segments.every((segment, index) => segment.startsWith(':') || segment === parts[index]),
    );
    return [...new Set(found.flatMap(({ methods }) => [...methods]))];
  }
}

async function errorHandler(app: App): Promise<void> {
  const routes = new RouteTable();
  app.addHook('onRoute', ({ url, method }) => routes.add(url, method));
  app.setErrorHandler(answerProblem);
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = routes.methodsOf(path);
    const error =
      allowed.length > 0
        ? new AppError('method-not-allowed', { headers: { allow: allowed.join(', ') } })
        : new AppError('not-found');
    return answerProblem(error, request, reply);
  });
}

export default fp(errorHandler, { name: 'error-handler', dependencies: ['request-context'] });
