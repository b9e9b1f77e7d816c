import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { AppError, type InputProblem } from '../errors.ts';
import type { CodeMethod } from '../models/code-failures.ts';
import type { ChallengeMethod } from '../models/second-factor.ts';

interface FactorFields {
  readonly method?: ChallengeMethod;
  readonly code?: string;
  readonly assertion?: AuthenticationResponseJSON;
}

/** A code with its method, or the assertion of a passkey. */
export type FactorInput =
  | { readonly method: CodeMethod; readonly code: string }
  | { readonly assertion: AuthenticationResponseJSON };

/**
 * Of a body that proves a factor, what its method needs.
 * @throws {AppError} `validation-failed` when that is missing, or something else is there as well
 */
export function factorInput({ method = 'passkey', code, assertion }: FactorFields): FactorInput {
  if (method === 'passkey') {
    refuseBeside({ code });
    return { assertion: needed('assertion', assertion) };
  }
  refuseBeside({ assertion });
  return { method, code: needed('code', code) };
}

function needed<T>(name: string, value: T | undefined): T {
  if (value !== undefined) return value;
  const problem: InputProblem = { pointer: `/${name}`, code: 'required', detail: 'is required with this method' };
  throw new AppError('validation-failed', { errors: [problem] });
}

/** @throws {AppError} `validation-failed` when any of these was sent, since the rest proves it all */
export function refuseBeside(fields: object): void {
  const errors = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => ({ pointer: `/${name}`, code: 'not-allowed', detail: 'does not go with the rest' }));
  if (errors.length > 0) throw new AppError('validation-failed', { errors });
}
