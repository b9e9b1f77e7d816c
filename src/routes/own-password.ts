import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { AuditAction } from '../models/audit-event.ts';
import { type ProvenUser, provePassword } from '../models/password-proof.ts';
import { findForSignIn } from '../models/sign-in.ts';
import { sessionOf } from '../plugins/authentication.ts';
import type { App } from '../types/fastify.ts';

interface OwnPassword {
  readonly email: string;
  readonly password: string;
  /** What the failure is recorded as. */
  readonly action: AuditAction;
}

/**
 * Proves the password of whoever is signed in already. A session has its own tries: whoever uses up those of the
 * account keeps nobody from a new password.
 * @throws {AppError} `wrong-password`, `rate-limited`
 */
export function proveOwnPassword(
  { deps }: Pick<App, 'deps'>,
  request: FastifyRequest,
  attempt: OwnPassword,
): Promise<ProvenUser> {
  const device = Buffer.from(sessionOf(request)._id.id);
  return provePassword(findForSignIn, { ...attempt, device }, request.origin, deps).catch((error) => {
    throw error instanceof AppError && error.code === 'invalid-credentials' ? new AppError('wrong-password') : error;
  });
}
