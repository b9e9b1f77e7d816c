import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { isDatabaseOutOfReach } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import type { App } from '../types/fastify.ts';

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Does `work` once the answer is out, so that neither its words nor its time can depend on what the work finds.
     * What the work needs of the request must be read before. The client is told 202, and asks again if nothing comes.
     * @throws {AppError} `overloaded` when too much is waiting already
     */
    afterwards(work: () => Promise<void>): void;
  }
  interface FastifyInstance {
    /** Resolves when all that was put off until now is done. */
    settled(): Promise<void>;
  }
}

/** Each holds a little memory and wants a connection: beyond this, a flood is turned away instead. */
const MAX_WAITING = 500;

async function afterwards(app: App): Promise<void> {
  const waiting = new Set<Promise<void>>();

  app.decorateReply('afterwards', function (this: FastifyReply, work: () => Promise<void>) {
    if (waiting.size >= MAX_WAITING) throw new AppError('overloaded', { headers: { 'retry-after': '3' } });
    const { raw, request } = this;
    // Also when the client has gone before its answer.
    const answered = new Promise<void>((resolve) => (raw.closed ? resolve() : raw.once('close', resolve)));
    const done = answered
      .then(work)
      .catch((err: unknown) =>
        isDatabaseOutOfReach(err)
          ? request.log.warn({ err }, 'the database is out of reach: what was accepted was not done')
          : request.log.error({ err }, 'what was accepted was not done'),
      )
      .finally(() => waiting.delete(done));
    waiting.add(done);
  });

  const settled = async (): Promise<void> => {
    while (waiting.size > 0) await Promise.all(waiting);
  };
  app.decorate('settled', settled);
  // Requests in flight have been answered by then.
  app.addHook('onClose', settled);
}

export default fp(afterwards, { name: 'afterwards' });
