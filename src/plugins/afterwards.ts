import { randomInt } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { isDatabaseOutOfReach } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import type { App } from '../types/fastify.ts';

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Does `work` at a random moment after the answer, so that neither its words nor its time, nor those of the
     * answers next to it, can depend on what the work finds.
     * What the work needs of the request must be read before. The client is told 202, and asks again if nothing comes.
     * @throws {AppError} `overloaded` when too much is waiting already
     */
    afterwards(work: () => Promise<void>): void;
  }
  interface FastifyInstance {
    /** Does all that was put off until now without further delay, and resolves when it is done. */
    settled(): Promise<void>;
  }
}

/** Each holds a little memory and wants a connection: beyond this, a flood is turned away instead. */
const MAX_WAITING = 500;

/** Work that follows at once would slow down the next answer, and tell by that whether there was any. */
const MAX_PAUSE_MS = 500;

async function afterwards(app: App): Promise<void> {
  const waiting = new Set<Promise<void>>();
  const pauses = new Set<() => void>();
  let hurrying = 0;

  function pause(): Promise<void> {
    if (hurrying > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, randomInt(MAX_PAUSE_MS));
      pauses.add(end);
    });
  }

  app.decorateReply('afterwards', function (this: FastifyReply, work: () => Promise<void>) {
    if (waiting.size >= MAX_WAITING) throw new AppError('overloaded', { headers: { 'retry-after': '3' } });
    const { raw, request } = this;
    // Also when the client has gone before its answer.
    const answered = new Promise<void>((resolve) => (raw.closed ? resolve() : raw.once('close', resolve)));
    const done = answered
      .then(pause)
      .then(work)
      .catch((err: unknown) =>
        isDatabaseOutOfReach(err)
          ? request.log.warn({ err }, 'the database is out of reach: what was accepted was not done')
          : request.log.error({ err }, 'what was accepted was not done'),
      )
      .finally(() => waiting.delete(done));
    waiting.add(done);
  });

  async function settled(): Promise<void> {
    hurrying += 1;
    for (const end of pauses) end();
    while (waiting.size > 0) await Promise.all(waiting);
    hurrying -= 1;
  }
  app.decorate('settled', settled);
  // Requests in flight have been answered by then.
  app.addHook('onClose', settled);
}

export default fp(afterwards, { name: 'afterwards' });
