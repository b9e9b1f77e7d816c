import type { Static } from 'typebox';
import type { InputProblem } from '../errors.ts';
import { shapeProblem } from '../lib/body-shape.ts';
import { inspectHash } from '../lib/password-hash.ts';
import { emailField, profileChange } from '../models/user-fields.ts';
import type { ImportedUser } from '../models/user-import.ts';
import { buildValidator, validationError } from '../plugins/validation.ts';
import { PortableUser } from '../schemas/portable-user.ts';

/** Clocks differ; an account from tomorrow is a mistake in the file. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

type Checked = { readonly user: ImportedUser } | { readonly problems: readonly InputProblem[] };

/** The validator of request bodies itself: what sign-up refuses, import refuses, by the same code. */
const validate = buildValidator({})({ schema: PortableUser, httpPart: 'body' });

const isPortableUser = (value: unknown): value is Static<typeof PortableUser> => validate(value) === true;

/** Normalises an account and checks it by the rules of sign-up; everything that is wrong comes back at once. */
export function checkAccount(value: unknown): Checked {
  const shape = shapeProblem(value);
  if (shape) return { problems: [shape] };
  if (!isPortableUser(value)) return { problems: validationError(validate.errors ?? [], 'body').errors ?? [] };
  const { email: given, passwordHash, createdAt, emailVerified, status, roles, ...input } = value;
  const { email, problems: emailProblems } = emailField(given);
  const { set: profile, problems: profileProblems } = profileChange(input);
  const created = createdAt === undefined ? undefined : new Date(createdAt);
  const problems = [...emailProblems, ...profileProblems, ...hashProblems(passwordHash), ...timeProblems(created)];
  if (problems.length > 0) return { problems };
  return {
    user: {
      email,
      profile,
      ...(passwordHash !== undefined && { passwordHash }),
      ...(emailVerified !== undefined && { emailVerified }),
      ...(status && { status }),
      ...(roles && { roles }),
      ...(created && { createdAt: created }),
    },
  };
}

function hashProblems(hash: string | undefined): InputProblem[] {
  const inspected = hash === undefined ? undefined : inspectHash(hash);
  return inspected && 'problem' in inspected
    ? [{ pointer: '/passwordHash', code: 'unsupported-hash', detail: inspected.problem }]
    : [];
}

function timeProblems(time: Date | undefined): InputProblem[] {
  if (time === undefined) return [];
  // A leap second is a valid time that no Date can hold.
  if (Number.isNaN(time.getTime()))
    return [{ pointer: '/createdAt', code: 'invalid-format', detail: 'is a time that cannot be stored' }];
  if (time.getTime() > Date.now() + CLOCK_TOLERANCE_MS)
    return [{ pointer: '/createdAt', code: 'out-of-range', detail: 'lies in the future' }];
  return [];
}
