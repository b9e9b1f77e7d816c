import { type ClientSession, Types } from 'mongoose';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError } from '../errors.ts';
import { type AuditOrigin, recordAuditEvents } from './audit-event.ts';
import { type Role, User, type UserStatus } from './user.ts';
import { keepNames, type NameKeeping } from './user-names.ts';

/** The statuses that an account can come with: one that is deleted is not worth bringing along. */
export const IMPORTED_STATUSES = ['active', 'inactive', 'suspended'] as const satisfies readonly UserStatus[];

/** An account from elsewhere, normalised and checked. What it leaves out has the defaults of the model. */
export interface ImportedUser {
  readonly email: string;
  /** Of a family that `inspectHash` knows, within its bounds. */
  readonly passwordHash?: string;
  readonly emailVerified?: boolean;
  readonly status?: (typeof IMPORTED_STATUSES)[number];
  readonly roles?: readonly Role[];
  readonly createdAt?: Date;
  /** Of `profileChange`. */
  readonly profile: Record<string, unknown>;
}

/** Which of these emails have an account, in whatever status: a deleted one keeps its email. */
export async function existingEmails(emails: readonly string[], tx?: ClientSession): Promise<Set<string>> {
  const found = await User.find({ email: { $in: emails } }, { _id: 0, email: 1 }, { session: tx ?? null }).lean();
  return new Set(found.map(({ email }) => email));
}

/**
 * Creates the accounts whose email has none yet, each with its audit event.
 * @returns the emails that were skipped
 * @throws {AppError} `email-taken` when a sign-up was quicker; run again in a new transaction, it is skipped
 */
export async function importUsers(
  tx: ClientSession,
  origin: AuditOrigin,
  keeping: NameKeeping,
  users: readonly ImportedUser[],
): Promise<Set<string>> {
  const existing = await existingEmails(
    users.map(({ email }) => email),
    tx,
  );
  const now = new Date();
  const accounts = users
    .filter(({ email }) => !existing.has(email))
    .map(({ profile, ...account }) => {
      const _id = new Types.ObjectId();
      const { set } = keepNames(keeping, _id, { set: profile, unset: [] });
      return { _id, createdAt: now, ...account, ...set, updatedAt: now };
    });
  if (accounts.length === 0) return existing;
  try {
    const created = await User.insertMany(accounts, { session: tx });
    await recordAuditEvents(
      tx,
      origin,
      created.map(({ _id }) => ({ action: 'user.imported', target: { collection: 'users', id: _id } })),
    );
    return existing;
  } catch (error) {
    throw isDuplicateKey(error) ? new AppError('email-taken', { cause: error }) : error;
  }
}
