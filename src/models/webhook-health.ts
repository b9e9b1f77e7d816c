import type { ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { permissionsOf } from '../lib/permissions.ts';
import { recordAuditEvent, SYSTEM } from './audit-event.ts';
import { enqueueMail } from './outbox.ts';
import { ROLES, User } from './user.ts';
import { Webhook, type WebhookDisabledReason, type WebhookRecord } from './webhook.ts';
import { forgetSubscriptionsAfter } from './webhook-subscriptions.ts';

/** So many admins are told of a disabled endpoint at the most: mail is written within the transaction. */
const MAX_TOLD = 50;

/** Something arrived: whatever failed before does not count any more. */
export async function noteSuccess({ _id, failingSince }: WebhookRecord): Promise<void> {
  if (failingSince) await Webhook.updateOne({ _id }, { $unset: { failingSince: 1 } });
}

/**
 * Something did not arrive.
 * @returns whether nothing has arrived for `patienceMs`
 */
export async function noteFailure({ _id, failingSince }: WebhookRecord, patienceMs: number): Promise<boolean> {
  const now = Date.now();
  if (failingSince) return now - failingSince.getTime() >= patienceMs;
  await Webhook.updateOne({ _id, failingSince: { $exists: false } }, { $set: { failingSince: new Date(now) } });
  return false;
}

/**
 * Turns an endpoint off, and tells by mail whoever may see to it.
 * @returns whether this call did; of several at once, one does
 */
export const disableWebhook = (keyring: Keyring, id: Types.ObjectId, reason: WebhookDisabledReason): Promise<boolean> =>
  transaction(async (tx) => {
    const now = new Date();
    const disabled = await Webhook.findOneAndUpdate(
      { _id: id, enabled: true },
      { $set: { enabled: false, disabledReason: reason, updatedAt: now }, $inc: { revision: 1 } },
      { session: tx, returnDocument: 'after' },
    ).lean<WebhookRecord>();
    if (!disabled) return false;
    forgetSubscriptionsAfter(tx);
    await recordAuditEvent(tx, SYSTEM, {
      action: 'webhook.disabled',
      target: { collection: 'webhooks', id },
      changes: ['enabled'],
      reason,
    });
    // Its host says which one it is; a path or query may hold what is no mail's business.
    const data = { at: now.toISOString(), host: new URL(disabled.url).host, reason };
    for (const { _id, email } of await readers(tx))
      await enqueueMail(tx, keyring, { template: 'webhook-disabled', to: email, data }, _id);
    return true;
  });

/** Whoever may look at endpoints. */
const readers = (tx: ClientSession) =>
  User.find(
    { roles: { $in: ROLES.filter((role) => permissionsOf([role]).has('webhooks:read')) }, status: 'active' },
    { email: 1 },
  )
    .session(tx)
    .sort({ _id: 1 })
    .limit(MAX_TOLD)
    .hint({ roles: 1, _id: 1 })
    .lean();
