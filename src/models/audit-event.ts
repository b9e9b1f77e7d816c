import { type ClientSession, type InferSchemaType, model, Schema, Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { conceal } from './audit-personal.ts';
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
  'user.deactivated',
  'user.dormancy-warned',
  'user.held',
  'user.released',
  'user.exported',
  'user.erased',
  'user.purged',
  'factor.added',
  'factor.renamed',
  'factor.removed',
  'factor.used',
  'identity.linked',
  'identity.unlinked',
  'signing-key.created',
  'signing-key.retired',
  'keyring.rotated',
  'access.denied',
  'user.read',
  'users.listed',
  'users.exported',
  'sessions.listed',
  'audit.read',
  'audit.verified',
  'audit.exported',
  'api-key.created',
  'api-key.renamed',
  'api-key.deleted',
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret-rotated',
  'webhook.tested',
  'webhook.replayed',
  'webhook.disabled',
  'document.created',
  'document.updated',
  'document.deleted',
  'document.restored',
  'document.purged',
  'document.read',
  'documents.listed',
  'backup.created',
  'backup.removed',
  'backup.restored',
  'backup.verified',
  'user.rewound',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export const AUDIT_OUTCOMES = ['success', 'failure', 'denied'] as const;
export const ACTOR_TYPES = ['anonymous', 'user', 'operator', 'system', 'api-key'] as const;

/** In characters. The name of a target is that of a key or of a route. */
export const AUDIT_LIMITS = Object.freeze({ reason: 500, name: 128, note: 500, userAgent: 512, requestId: 64 });

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
          /** Where the id is no ObjectId: the `kid` of a signing key, or the route that somebody was kept from. */
          name: { type: String, maxlength: AUDIT_LIMITS.name },
        },
        { ...reference, suppressReservedKeysWarning: true },
      ),
      required: true,
    },
    /** Paths that changed, or that were exported though they are secret, without their values. */
    changes: { type: [{ type: String, maxlength: 100 }], default: undefined },
    /** How many documents a list showed, or how often the same happened: then it is one event for all of them. */
    count: { type: Number },
    at: { type: Date, required: true },
    requestId: { type: String, maxlength: AUDIT_LIMITS.requestId },
    /** Address, agent and what an admin wrote, as JSON. Goes when the person is erased. */
    personal: { type: String, sensitive: 'When the trail is read, exported or verified.' },
    /** Stays then: it binds the event to those values, and tells none of them. */
    commitment: { type: String, maxlength: 43, kept: 'SHA-256 of `personal` with a salt of 128 random bits in it.' },
    /** The seal that covers the event; absent for the first seconds. */
    sealId: { type: Number },
  },
  { collection: 'audit_events', versionKey: false },
);

auditEventSchema.index({ 'target.id': 1, _id: 1 }, { name: 'idx_audit_events_target_id' });
auditEventSchema.index({ 'actor.id': 1, _id: 1 }, { name: 'idx_audit_events_actor_id' });
auditEventSchema.index({ action: 1, _id: 1 }, { name: 'idx_audit_events_action' });
auditEventSchema.index({ outcome: 1, _id: 1 }, { name: 'idx_audit_events_outcome' });
auditEventSchema.index({ sealId: 1, _id: 1 }, { name: 'idx_audit_events_seal_id' });

export const AuditEvent = model('AuditEvent', auditEventSchema);

export type AuditEventRecord = InferSchemaType<typeof auditEventSchema> & { _id: Types.ObjectId };

export interface AuditEventInput {
  readonly action: AuditAction;
  readonly outcome?: (typeof AUDIT_OUTCOMES)[number];
  readonly reason?: string;
  /** What somebody wrote about it, such as why an account was suspended: personal, as it may name anybody. */
  readonly note?: string;
  readonly target: { readonly collection: string; readonly id?: Types.ObjectId; readonly name?: string };
  readonly changes?: readonly string[];
  readonly count?: number;
}

/** Who acts, and from where. Requests and commands each make their own, so no call site can forget it. */
export interface AuditOrigin {
  readonly actor: { readonly type: (typeof ACTOR_TYPES)[number]; readonly id?: Types.ObjectId };
  readonly ip?: string;
  readonly userAgent?: string;
  readonly requestId?: string;
  /** Encrypts what is personal; so it is there wherever anything is. */
  readonly keyring?: Keyring;
  /** Of a request: whether its refusal has been recorded. */
  readonly told?: { refusal: boolean };
}

/** Whoever runs a command: the machine knows who that is, the database does not. */
export const OPERATOR: AuditOrigin = Object.freeze({ actor: { type: 'operator' } as const });

/** What the service does by itself, on a schedule. */
export const SYSTEM: AuditOrigin = Object.freeze({ actor: { type: 'system' } as const });

function eventOf(
  { actor, requestId, keyring, ip, userAgent }: AuditOrigin,
  { outcome = 'success', note, ...event }: AuditEventInput,
  at: Date,
) {
  const _id = new Types.ObjectId();
  return { _id, ...event, outcome, actor, at, requestId, ...conceal(keyring, _id, { ip, userAgent, note }) };
}

/**
 * Writes one event. With `tx` it stands or falls with the change that it tells of; without one (a failed sign-in
 * changes nothing) it stands alone. No write waits for another: a job seals events once they are there.
 */
export async function recordAuditEvent(
  tx: ClientSession | undefined,
  origin: AuditOrigin,
  event: AuditEventInput,
): Promise<void> {
  if (origin.told && (event.outcome ?? 'success') !== 'success') origin.told.refusal = true;
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

/** Writes what was counted: events that are about many requests each, and so about none of them. */
export async function recordCounted(
  counted: readonly { readonly origin: AuditOrigin; readonly event: AuditEventInput }[],
): Promise<void> {
  const at = new Date();
  await AuditEvent.collection.insertMany(
    counted.map(({ origin, event }) => eventOf(origin, event, at)),
    { ignoreUndefined: true },
  );
}
