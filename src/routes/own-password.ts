import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { AuditAction } from '../models/audit-event.ts';
import { type ProvenUser, provePassword } from '../models/password-proof.ts';
import { findForSignIn } from '../models/sign-in.ts';
import type { App } from '../types/fastify.ts';

interface OwnPassword {
  readonly email: string;
  readonly password: string;
  /** What the failure is recorded as. */
  readonly action: AuditAction;
}

/**
 * Proves the password of whoever is signed in already; wrong ones count as those of sign-ins do.
 * @throws {AppError} `wrong-password`, `rate-limited`
 */
export const proveOwnPassword = (
  { config, deps }: Pick<App, 'config' | 'deps'>,
  { origin }: FastifyRequest,
  attempt: OwnPassword,
): Promise<ProvenUser> =>
  provePassword(findForSignIn, attempt, origin, { ...deps, maxFailures: config.SIGN_IN_FAILURES }).catch((error) => {
    throw error instanceof AppError && error.code === 'invalid-credentials' ? new AppError('wrong-password') : error;
  });
