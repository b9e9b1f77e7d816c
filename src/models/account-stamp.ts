import type { QueryFilter } from 'mongoose';
import type { UserRecord } from './user.ts';

/** What an account was when something was mailed to it or proven about it, as JSON has it. */
export interface AccountStamp {
  readonly email: string;
  readonly passwordChangedAt: string | null;
}

export const stampOf = ({ email, passwordChangedAt }: UserRecord): AccountStamp => ({
  email,
  passwordChangedAt: passwordChangedAt?.toISOString() ?? null,
});

/** Matches the account only while it is what it was: a change of email or password ends whatever began before. */
export const guardOf = ({ email, passwordChangedAt }: AccountStamp) =>
  ({
    email,
    passwordChangedAt: passwordChangedAt === null ? null : new Date(passwordChangedAt),
  }) satisfies QueryFilter<UserRecord>;
