import type { ClientSession, QueryFilter, Types } from 'mongoose';
import { ApiKey } from './api-key.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { Credential } from './credential.ts';
import { Identity } from './identity.ts';
import { revokeTokens } from './one-time-token.ts';
import { endSessions } from './session-end.ts';
import { SIGN_IN_STATUSES, User, type UserRecord } from './user.ts';

/**
 * To be called, in the transaction of what follows from it, by everything that proves a mailbox without the password of
 * the account or a session of it: a reset, a mailed link or code, an identity with a verified email.
 *
 * An account whose mailbox nobody has proven yet may have been made by a stranger who waits for its owner to come. So
 * whoever proves it first gets it empty: password, sessions, factors, identities, API keys and all that was mailed are
 * gone, in the same transaction. A proven mailbox is proven once more, and nothing changes.
 *
 * Whatever adds a session, a factor, an identity or an API key to an account must write the account's own document, so
 * that it conflicts with this.
 *
 * @param guard what the account must still be, its email above all: whatever was proven about another one counts for nothing
 * @returns the account as it is now, or null when it has changed since or may not sign in
 */
export async function proveMailbox(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  guard: QueryFilter<UserRecord> & { readonly email: string },
): Promise<UserRecord | null> {
  const filter = { ...guard, _id: id, status: { $in: SIGN_IN_STATUSES } };
  const found = await User.findOne(filter, undefined, { session: tx }).select('+passwordHash').lean<UserRecord>();
  if (!found) return null;
  const { passwordHash, ...user } = found;
  return found.emailVerified ? user : reclaim(tx, origin, id, passwordHash != null);
}

async function reclaim(
  tx: ClientSession,
  origin: AuditOrigin,
  id: Types.ObjectId,
  hadPassword: boolean,
): Promise<UserRecord | null> {
  const sessions = await endSessions(tx, id);
  const credentials = await Credential.deleteMany({ userId: id }, { session: tx });
  const identities = await Identity.deleteMany({ userId: id }, { session: tx });
  const apiKeys = await ApiKey.deleteMany({ userId: id }, { session: tx });
  await revokeTokens(tx, id);
  const user = await User.findOneAndUpdate(
    { _id: id, emailVerified: false },
    {
      $set: { emailVerified: true, passwordChangedAt: new Date() },
      $unset: { passwordHash: 1, secondFactors: 1 },
      $inc: { revision: 1 },
    },
    { session: tx, returnDocument: 'after' },
  ).lean<UserRecord>();
  const removed = [
    hadPassword && 'password',
    sessions > 0 && 'sessions',
    credentials.deletedCount > 0 && 'credentials',
    identities.deletedCount > 0 && 'identities',
    apiKeys.deletedCount > 0 && 'apiKeys',
  ].filter((what) => what !== false);
  await recordAuditEvent(
    tx,
    { ...origin, actor: { type: 'user', id } },
    {
      action: removed.length > 0 ? 'user.reclaimed' : 'user.email-verified',
      target: { collection: 'users', id },
      changes: ['emailVerified', ...removed],
    },
  );
  return user;
}
