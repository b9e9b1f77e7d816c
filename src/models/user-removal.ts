import type { ClientSession, QueryFilter, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { ApiKey } from './api-key.ts';
import { Credential } from './credential.ts';
import { keepAnAdmin } from './guard.ts';
import { Identity } from './identity.ts';
import { OneTimeToken } from './one-time-token.ts';
import { Outbox } from './outbox.ts';
import { Session } from './session.ts';
import { User, type UserRecord } from './user.ts';
import { WebhookDelivery } from './webhook-delivery.ts';
import { WebhookEvent } from './webhook-event.ts';

/** What belongs to an account and has no meaning without it. A test compares this with the list of collections. */
export const OWNED = [
  Session,
  OneTimeToken,
  Credential,
  Identity,
  Outbox,
  ApiKey,
  WebhookEvent,
  WebhookDelivery,
] as const;

/**
 * Removes an account that `filter` still matches, with all that belongs to it, for good. The audit trail stays: it
 * names the account by its id alone.
 * @returns whether there was one
 * @throws {AppError} `legal-hold`, `last-admin`
 */
export async function removeUser(
  tx: ClientSession,
  id: Types.ObjectId,
  filter: QueryFilter<UserRecord>,
): Promise<boolean> {
  const user = await User.findOneAndDelete({ ...filter, _id: id }, { session: tx }).lean<UserRecord>();
  if (!user) return false;
  if (user.legalHold) throw new AppError('legal-hold');
  for (const model of OWNED) await model.collection.deleteMany({ userId: id }, { session: tx });
  if (user.roles.includes('admin')) await keepAnAdmin(tx);
  return true;
}
