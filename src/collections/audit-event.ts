import { ACTOR_TYPES, AUDIT_ACTIONS, AUDIT_OUTCOMES, AuditEvent } from '../models/audit-event.ts';
import { defineCollection } from './define.ts';

export const auditEvents = defineCollection({
  model: AuditEvent,
  purpose: 'Who did what, to what, when and from where. Written in the transaction of the change that it tells of.',
  public: {},
  admin: {},
  private: {
    _id: 'Orders the events.',
    action: 'What was done.',
    outcome: 'How it ended.',
    reason: 'Why it failed or was denied: an error code.',
    actor: 'Who did it.',
    'actor.type': 'What kind of actor.',
    'actor.id': 'The account, where the actor is one.',
    target: 'What it was done to.',
    'target.collection': 'The collection of the target.',
    'target.id': 'The document, where there is one.',
    'target.name': 'What has no ObjectId: the `kid` of a signing key, or the route that somebody was kept from.',
    changes: 'Paths that changed, without their values.',
    count: 'How many documents a list showed, or how often the same happened.',
    at: 'When.',
    requestId: 'Of the request, as in its log lines and its response.',
    personal:
      'From which address, with what agent, and what an admin wrote about it. Removed when the person is erased.',
    commitment: 'Salted hash of those values: binds the event to them without telling any.',
    sealId: 'The seal that covers it, a few seconds after it was written.',
  },
  encrypted: { personal: 'When the trail is read, exported or verified.' },
  computed: {},
  indexes: {
    idx_audit_events_target_id: 'What happened to an account, newest first.',
    idx_audit_events_actor_id: 'What an account did, newest first.',
    idx_audit_events_action: 'One kind of events, newest first.',
    idx_audit_events_outcome: 'What failed or was denied, newest first.',
    idx_audit_events_seal_id: 'The events of a seal, and those that wait for one.',
  },
  relations: [
    { path: 'sealId', to: 'audit_seals', many: true, verb: 'covers', onDelete: 'Kept.' },
    { path: 'target.id', to: 'users', many: true, verb: 'is told of by', onDelete: 'Kept.' },
    { path: 'actor.id', to: 'users', many: true, verb: 'acts in', onDelete: 'Kept.' },
  ],
  enums: { 'Audit action': AUDIT_ACTIONS, 'Audit outcome': AUDIT_OUTCOMES, 'Actor type': ACTOR_TYPES },
  retention: 'By whole sealed batches, `AUDIT_RETENTION_DAYS` after the last event of the batch.',
  wire: [],
});
