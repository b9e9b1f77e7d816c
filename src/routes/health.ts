import { Type } from 'typebox';
import { readinessCheck } from '../readiness.ts';
import { closed } from '../schemas/common.ts';
import type { App } from '../types/fastify.ts';

/** Health checks answer while everything else is turned away: a busy instance must not be taken for a dead one. */
const answeredUnderPressure = { pressureHandler: () => undefined };

const Alive = closed({ status: Type.Literal('alive') });
const Ready = closed({ status: Type.Literal('ready') });
const NotReady = closed({ status: Type.Enum(['database-unreachable', 'migrations-pending', 'stopping']) });

/** For load balancers and supervisors. */
export default async function health(app: App): Promise<void> {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'alive',
        summary: 'Whether the process is alive',
        description: 'Does not look at the database: a restart of this process would not mend one.',
        tags: ['Service'],
        response: { 200: { ...Alive, description: 'It is.' } },
      },
      config: answeredUnderPressure,
      logLevel: 'warn',
    },
    async () => ({ status: 'alive' as const }),
  );

  const readiness = readinessCheck();
  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'ready',
        summary: 'Whether requests can be served',
        description:
          'The database answers, every migration that this build ships is applied, and it is not about to end.',
        tags: ['Service'],
        response: {
          200: { ...Ready, description: 'They can.' },
          503: { ...NotReady, description: 'Why they cannot.' },
        },
      },
      config: answeredUnderPressure,
      logLevel: 'warn',
    },
    async (_request, reply) => {
      const status = app.deps.leaving?.aborted ? 'stopping' : await readiness();
      if (status === 'ready') return { status };
      return reply.code(503).header('retry-after', '5').send({ status });
    },
  );
}
