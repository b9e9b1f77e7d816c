import type { InputProblem } from '../errors.ts';
import { normaliseAvatarUrl } from '../lib/avatar-url.ts';
import { normaliseEmail } from '../lib/email.ts';
import { checkMetadata } from '../lib/metadata.ts';
import { sanitiseName } from '../lib/names.ts';
import { USER_LIMITS } from './user.ts';
import { NAMES, type NameField } from './user-names.ts';

/** What an owner or an admin may write of a profile; `null` removes an optional value (RFC 7396). */
export interface ProfileInput {
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly avatarUrl?: string | null;
  readonly metadata?: Record<string, unknown> | null;
}

/** A profile, normalised: what to set, what to remove, and what is wrong with the input. */
export interface ProfileChange {
  readonly set: Record<string, unknown>;
  readonly unset: string[];
  readonly problems: InputProblem[];
}

/** Normalises and checks every given field, so that all problems come back at once. */
export function profileChange(input: ProfileInput): ProfileChange {
  const change: ProfileChange = { set: {}, unset: [], problems: [] };
  for (const field of NAMES) nameChange(change, field, input[field]);
  if (input.avatarUrl === null) change.unset.push('avatarUrl');
  else if (input.avatarUrl !== undefined) {
    const url = normaliseAvatarUrl(input.avatarUrl);
    if (url === undefined) problem(change, 'avatarUrl', 'invalid-url', 'must be an absolute https URL');
    else change.set['avatarUrl'] = url;
  }
  if (input.metadata === null) change.unset.push('metadata');
  else if (input.metadata !== undefined) {
    const detail = checkMetadata(input.metadata);
    if (detail !== undefined) problem(change, 'metadata', 'invalid-metadata', detail);
    else change.set['metadata'] = input.metadata;
  }
  return change;
}

function nameChange(change: ProfileChange, field: NameField, value: string | null | undefined): void {
  if (value === undefined) return;
  if (value === null) {
    change.unset.push(field);
    return;
  }
  const name = sanitiseName(value);
  if (name === '') problem(change, field, 'empty-name', 'must hold more than white space and markup');
  else if (name.length > USER_LIMITS.name)
    problem(change, field, 'too-long', `must be at most ${USER_LIMITS.name} characters`);
  else change.set[field] = name;
}

/** The stored form of an email, or why there is none. */
export function emailField(input: string): { email: string; problems: InputProblem[] } {
  const email = normaliseEmail(input);
  return email === undefined
    ? { email: '', problems: [{ pointer: '/email', code: 'invalid-email', detail: 'must be one email address' }] }
    : { email, problems: [] };
}

function problem(change: ProfileChange, field: string, code: string, detail: string): void {
  change.problems.push({ pointer: `/${field}`, code, detail });
}
