import type { FastifyRequest } from 'fastify';
import type { toId } from '../models/ids.ts';
import { settle } from '../models/settling.ts';

/** Longer than this nobody waits for what belongs to a document: of very much, the schedule does the rest. */
const PATIENCE_MS = 2_000;

/**
 * What belongs to a document or an account follows its deletion or its restoration at once. The change itself is done
 * by then: whatever comes in the way of this is no failure of it.
 */
export async function letFollow(
  request: FastifyRequest,
  modelName: string,
  id: ReturnType<typeof toId>,
): Promise<void> {
  await settle(modelName, id, AbortSignal.timeout(PATIENCE_MS)).catch((error: unknown) => {
    request.log.warn({ err: error }, 'what belongs to a document has still to follow it');
  });
}
