import type { Config } from '../config.ts';
import { AppError, type InputProblem } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { checkPassword, PASSWORD_MAX_LENGTH, type PasswordProblem } from '../lib/password-policy.ts';
import { isBreached } from '../lib/password-range.ts';
import type { UserRecord } from './user.ts';
import { namesOf } from './user-names.ts';

interface Candidate {
  readonly password: string;
  /** Where it stands in the input. */
  readonly pointer: string;
  readonly owner: {
    readonly email: string;
    readonly firstName?: string | null | undefined;
    readonly lastName?: string | null | undefined;
  };
  /** What else is wrong with the input, to be told at once. */
  readonly others?: readonly InputProblem[];
}

/** Whose password it is, where the account is there. */
export const ownerOf = (keyring: Keyring, user: UserRecord): Candidate['owner'] => ({
  email: user.email,
  ...namesOf(keyring, user),
});

interface Policy {
  readonly config: Pick<
    Config,
    'PASSWORD_MIN_LENGTH' | 'SERVICE_NAME' | 'PASSWORD_RANGE_CHECK_URL' | 'PASSWORD_RANGE_CHECK_TIMEOUT_MS'
  >;
  readonly log: { warn(fields: { err: unknown }, message: string): void };
}

const BREACHED = 'breached';

/**
 * Every path that sets a password asks here first, and nowhere else. A service of breached passwords, where one is
 * configured, is only sent what nothing else speaks against; when it cannot be used, the password is accepted.
 * @throws {AppError} `password-unacceptable`, or `validation-failed` where there are others, with all reasons at once
 */
export async function assertAcceptablePassword(candidate: Candidate, { config, log }: Policy): Promise<void> {
  const { others = [] } = candidate;
  const reasons = localProblems(candidate, config);
  if (others.length > 0) throw new AppError('validation-failed', { errors: [...others, ...reasons] });
  if (reasons.length === 0) reasons.push(...(await breachProblems(candidate, { config, log })));
  if (reasons.length > 0) throw new AppError('password-unacceptable', { errors: reasons });
}

function localProblems(
  { password, pointer, owner: { email, firstName, lastName } }: Candidate,
  { PASSWORD_MIN_LENGTH, SERVICE_NAME }: Policy['config'],
): InputProblem[] {
  const context = [SERVICE_NAME, email, firstName, lastName].filter((word) => typeof word === 'string');
  const details: Readonly<Record<PasswordProblem, string>> = {
    'too-short': `must have at least ${PASSWORD_MIN_LENGTH} characters`,
    'too-long': `must have at most ${PASSWORD_MAX_LENGTH} characters`,
    'too-common': 'is one that attackers try first',
    contextual: 'must not be built from the name of the service, the email or the names of the account',
    'lone-surrogates': 'must be well-formed Unicode text',
  };
  return checkPassword(password, { minLength: PASSWORD_MIN_LENGTH, context }).map((code) => ({
    pointer,
    code,
    detail: details[code],
  }));
}

async function breachProblems({ password, pointer }: Candidate, { config, log }: Policy): Promise<InputProblem[]> {
  const { PASSWORD_RANGE_CHECK_URL: url, PASSWORD_RANGE_CHECK_TIMEOUT_MS: timeoutMs } = config;
  if (url === undefined) return [];
  try {
    return (await isBreached(password, { url, timeoutMs }))
      ? [{ pointer, code: BREACHED, detail: 'is known from a breach of another service' }]
      : [];
  } catch (err) {
    log.warn({ err }, 'a password was accepted although the service of breached passwords could not be used');
    return [];
  }
}
