import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { MailTemplate } from '../lib/mail/messages.ts';
import type { AccountStamp } from '../models/account-stamp.ts';
import type { AuditAction } from '../models/audit-event.ts';
import { mayMail } from '../models/mail-limit.ts';
import type { MailOptions } from '../models/mailed-token.ts';
import type { FoundToken } from '../models/one-time-token.ts';
import { provePassword } from '../models/password-proof.ts';
import type { Limit } from '../models/rate-limit.ts';
import { findForSignIn } from '../models/sign-in.ts';
import { emailField } from '../models/user-fields.ts';
import type { App } from '../types/fastify.ts';

/** Answered to everybody who asks for mail. */
export const accepted = Object.freeze({ status: 'accepted' as const });

/** Requests for mail from one address; how much one mailbox is sent is limited apart. */
export const requestLimit = (name: string): Limit => ({ name, max: 20, windowMs: 3_600_000 });

/** Uses of what was mailed, from one address. */
export const PROOF_LIMIT: Limit = { name: 'mailed-proof', max: 60, windowMs: 5 * 60_000 };

/** When a mailbox that has been sent enough may be sent more, at the latest. */
const MAIL_RETRY_SECONDS = 3_600;

export const mailOptions = ({ config, deps }: Pick<App, 'config' | 'deps'>): MailOptions => ({
  keyring: deps.keyring,
  appUrl: config.APP_URL,
});

/** The email in its stored form, before anything is looked up. @throws {AppError} `validation-failed` */
export function wantedEmail(given: string): string {
  const { email, problems } = emailField(given);
  if (problems.length > 0) throw new AppError('validation-failed', { errors: problems });
  return email;
}

/**
 * Bounds what one mailbox is sent by whoever is signed in, and may be told so.
 * @throws {AppError} `rate-limited`
 */
export async function assertMayMail({ deps }: Pick<App, 'deps'>, to: string, template: MailTemplate): Promise<void> {
  if (!(await mayMail(deps.keyring, to, template)))
    throw new AppError('rate-limited', { headers: { 'retry-after': String(MAIL_RETRY_SECONDS) } });
}

interface Claim {
  readonly password: string | undefined;
  /** What a wrong password is recorded as. */
  readonly action: AuditAction;
}

/**
 * Makes sure that whoever brings a mailed token also has the account: a session of it, or its password. Nothing is used
 * up by a failure but a try of the password.
 * @throws {AppError} `invalid-code` for no token, `credentials-required`, `invalid-credentials`, `rate-limited`
 */
export async function proveAccount(
  { deps }: Pick<App, 'deps'>,
  { session, origin }: FastifyRequest,
  found: FoundToken<AccountStamp> | null,
  { password, action }: Claim,
): Promise<void> {
  if (!found?.userId) throw new AppError('invalid-code');
  if (session?.userId.equals(found.userId)) return;
  if (password === undefined) throw new AppError('credentials-required');
  const attempt = { email: found.payload.email, password, action };
  const { user } = await provePassword(findForSignIn, attempt, origin, deps);
  if (!user._id.equals(found.userId)) throw new AppError('invalid-code');
}
