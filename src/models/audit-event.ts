import { type ClientSession, model, Schema, type Types } from 'mongoose';
import { recordWebhookEvents } from './webhook-event.ts';

/** `<what>.<did>`: the whole vocabulary of the audit trail. */
export const AUDIT_ACTIONS = [
  'user.created',
  'user.imported',
  'user.updated',
  'user.roles-changed',
  'user.deleted',
  'user.suspended',
  'user.reactivated',
  'user.restored',
  'user.password-changed',
  'user.password-renewed',
  'session.created',
  'session.refreshed',
  'session.reused',
  'session.ended',
  'session.challenged',
  'session.reauthenticated',
  'user.email-verified',
  'user.email-change-requested',
  'user.email-changed',
  'user.password-reset-requested',
  'user.password-reset',
  'user.reclaimed',
  'user.rejected',
  'factor.added',
  'factor.renamed',
  'factor.removed',
  'factor.used',
  'identity.linked',
  'identity.unlinked',
  'signing-key.created',
  'signing-key.retired',
  'keyring.rotated',
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret-rotated',
  'webhook.tested',
  'webhook.replayed',
  'webhook.disabled',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export const AUDIT_OUTCOMES = ['success', 'failure', 'denied'] as const;
export const ACTOR_TYPES = ['anonymous', 'user', 'operator', 'system'] as const;

export const AUDIT_LIMITS = Object.freeze({ reason: 500, name: 64, ip: 45, userAgent: 512, requestId: 64 });

const reference = { _id: false };

const auditEventSchema = new Schema(
  {
    action: { type: String, enum: AUDIT_ACTIONS, required: true },
    outcome: { type: String, enum: AUDIT_OUTCOMES, required: true },
    /** Why it failed or was denied: an error code. */
    reason: { type: String, maxlength: AUDIT_LIMITS.reason },
    actor: {
      type: new Schema(
        { type: { type: String, enum: ACTOR_TYPES, required: true }, id: { type: Schema.Types.ObjectId } },
        reference,
      ),
      required: true,
    },
    target: {
      type: new Schema(
        {
          collection: { type: String, required: true, maxlength: 64 },
          id: { type: Schema.Types.ObjectId },
          /** Where the id is no ObjectId: the `kid` of a signing key. */
          name: { type: String, maxlength: AUDIT_LIMITS.name },
        },
        { ...reference, suppressReservedKeysWarning: true },
      ),
      required: true,
    },
    /** Paths that changed, without their values. */
    changes: { type: [{ type: String, maxlength: 100 }], default: undefined },
    at: { type: Date, required: true },
    ip: { type: String, maxlength: AUDIT_LIMITS.ip },
    userAgent: { type: String, maxlength: AUDIT_LIMITS.userAgent },
    requestId: { type: String, maxlength: AUDIT_LIMITS.requestId },
  },
  { collection: 'audit_events', versionKey: false },
);

auditEventSchema.index({ 'target.id': 1, _id: 1 }, { name: 'idx_audit_events_target_id' });
auditEventSchema.index({ 'actor.id': 1, _id: 1 }, { name: 'idx_audit_events_actor_id' });

export const AuditEvent = model('AuditEvent', auditEventSchema);

export interface AuditEventInput {
  readonly action: AuditAction;
  readonly outcome?: (typeof AUDIT_OUTCOMES)[number];
  readonly reason?: string;
  readonly target: { readonly collection: string; readonly id?: Types.ObjectId; readonly name?: string };
  readonly changes?: readonly string[];
}

/** Who acts, and from where. Requests and commands each make their own, so no call site can forget it. */
export interface AuditOrigin {
  readonly actor: { readonly type: (typeof ACTOR_TYPES)[number]; readonly id?: Types.ObjectId };
  readonly ip?: string;
  readonly userAgent?: string;
  readonly requestId?: string;
}

/** Whoever runs a command: the machine knows who that is, the database does not. */
export const OPERATOR: AuditOrigin = Object.freeze({ actor: { type: 'operator' } as const });

/** What the service does by itself, on a schedule. */
export const SYSTEM: AuditOrigin = Object.freeze({ actor: { type: 'system' } as const });

const eventOf = (origin: AuditOrigin, { outcome = 'success', ...event }: AuditEventInput, at: Date) => ({
  ...event,
  outcome,
  ...origin,
  at,
});

/**
 * Writes one event. With `tx` it stands or falls with the change that it tells of; without one (a failed sign-in
 * changes nothing) it stands alone.
 */
export async function recordAuditEvent(
  tx: ClientSession | undefined,
  origin: AuditOrigin,
  event: AuditEventInput,
): Promise<void> {
  await AuditEvent.collection.insertOne(eventOf(origin, event, new Date()), {
    ...(tx && { session: tx }),
    ignoreUndefined: true,
  });
  await recordWebhookEvents(tx, origin, [event]);
}

/** Writes one event for each of many changes that are made in one transaction. */
export async function recordAuditEvents(
  tx: ClientSession,
  origin: AuditOrigin,
  events: readonly AuditEventInput[],
): Promise<void> {
  const at = new Date();
  await AuditEvent.collection.insertMany(
    events.map((event) => eventOf(origin, event, at)),
    { session: tx, ignoreUndefined: true },
  );
  await recordWebhookEvents(tx, origin, events);
}
