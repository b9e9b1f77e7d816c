import type { FastifyBaseLogger } from 'fastify';
import { type SealingOptions, sealBatch } from '../models/audit-sealing.ts';
import type { Job } from './runner.ts';

/**
 * Every three seconds: seals the audit events that no seal covers yet. The hash of each seal is logged, so that a log
 * which is kept elsewhere tells if the newest seals are removed again.
 */
export const sealAuditEvents = (options: SealingOptions, log: Pick<FastifyBaseLogger, 'info'>): Job => ({
  name: 'seal-audit-events',
  schedule: '*/3 * * * * *',
  run: async (signal) => {
    let [seals, events] = [0, 0];
    while (!signal.aborted) {
      const seal = await sealBatch(options);
      // Whoever was quicker goes on.
      if (seal === null || seal === 'overtaken') break;
      log.info({ seal: seal._id, hash: seal.hash, events: seal.count }, 'audit events sealed');
      seals += 1;
      events += seal.count;
    }
    return { seals, events };
  },
});
