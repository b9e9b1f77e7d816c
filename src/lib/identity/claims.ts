import { normaliseEmail } from '../email.ts';

/** What a provider says of a person, in the words of OpenID Connect Core, section 5.1. Any of it may be anything. */
export type Claims = Readonly<Record<string, unknown>>;

/** Somebody who was proven at a provider. */
export interface ExternalIdentity {
  /** Id of the provider in the configuration. */
  readonly provider: string;
  /** What the provider will never call anybody else. */
  readonly subject: string;
  /** In its one spelling. */
  readonly email?: string;
  /** Whether the provider has seen that the mailbox is theirs, and is believed. */
  readonly emailVerified: boolean;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly avatarUrl?: string;
}

/** The longest subject that OpenID Connect allows. */
const SUBJECT_MAX_LENGTH = 255;

/** A profile is decoration: what is longer than this is no name and no address of a picture. */
const TEXT_MAX_LENGTH = 2048;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= TEXT_MAX_LENGTH ? value : undefined;

/** Numbers are what GitHub and others count their accounts by. */
export const subjectOf = (value: unknown): string | undefined => {
  const subject = Number.isSafeInteger(value) ? String(value) : textOf(value);
  return subject !== undefined && subject.length <= SUBJECT_MAX_LENGTH ? subject : undefined;
};

/**
 * Picks out of a provider's words what this service goes by; `undefined` when they do not even say who it is. Where
 * there is a full name alone it is kept whole: no rule tells given from family names.
 */
export function readClaims(claims: Claims, emailVerified: boolean): Omit<ExternalIdentity, 'provider'> | undefined {
  const subject = subjectOf(claims['sub']);
  if (subject === undefined) return undefined;
  const email = normaliseEmail(textOf(claims['email']) ?? '');
  const lastName = textOf(claims['family_name']);
  const firstName = textOf(claims['given_name']) ?? (lastName === undefined ? textOf(claims['name']) : undefined);
  const avatarUrl = textOf(claims['picture']);
  return {
    subject,
    ...(email !== undefined && { email }),
    emailVerified: emailVerified && email !== undefined,
    ...(firstName !== undefined && { firstName }),
    ...(lastName !== undefined && { lastName }),
    ...(avatarUrl !== undefined && { avatarUrl }),
  };
}
