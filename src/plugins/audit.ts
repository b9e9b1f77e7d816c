import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AUDIT_LIMITS, type AuditOrigin } from '../models/audit-event.ts';
import type { App } from '../types/fastify.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who acts and from where, as the audit trail has it: taken from the request, never from its body. */
    readonly origin: AuditOrigin;
  }
}

function actorOf({ session, apiKey }: FastifyRequest): AuditOrigin['actor'] {
  if (apiKey) return { type: 'api-key', id: apiKey._id };
  return session ? { type: 'user', id: session.userId } : { type: 'anonymous' };
}

export default fp(
  async (app: App) => {
    const told = new WeakMap<object, { refusal: boolean }>();
    app.decorateRequest('origin', {
      getter() {
        const known = told.get(this) ?? { refusal: false };
        told.set(this, known);
        const userAgent = this.headers['user-agent'];
        return {
          actor: actorOf(this),
          ip: this.ip,
          requestId: this.id,
          keyring: this.server.deps.keyring,
          told: known,
          ...(userAgent !== undefined && { userAgent: userAgent.slice(0, AUDIT_LIMITS.userAgent) }),
        } satisfies AuditOrigin;
      },
    });
  },
  { name: 'audit' },
);
