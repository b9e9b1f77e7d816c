import { ACTOR_TYPES, AUDIT_ACTIONS, AUDIT_OUTCOMES, AuditEvent } from '../models/audit-event.ts';
import * as wire from '../schemas/audit.ts';
import { defineCollection } from './define.ts';

export const auditEvents = defineCollection({
  model: AuditEvent,
  purpose: 'Who did what, to what, when and from where. Written in the transaction of the change that it tells of.',
  public: {
    action: 'What was done.',
    outcome: 'How it ended.',
    reason: 'Why it failed or was denied: an error code.',
    changes: 'Paths that changed, or that were exported though they are secret, without their values.',
    count: 'How many documents a list showed, or how often the same happened.',
    at: 'When.',
  },
  admin: {
    actor: 'Who did it.',
    target: 'What it was done to.',
    requestId: 'Of the request, as in its log lines and its response.',
    sealId: 'The seal that covers it, a few seconds after it was written.',
  },
  private: {
    _id: 'Orders the events; on the wire as `id`.',
    'actor.type': 'What kind of actor; on the wire within it.',
    'actor.id': 'The account, where the actor is one; on the wire within it.',
    'target.collection': 'The collection of the target; on the wire within it.',
    'target.id': 'The document, where there is one; on the wire within it.',
    'target.name':
      'What has no ObjectId: the `kid` of a signing key, or the route that somebody was kept from; on the wire within it.',
    personal:
      'From which address, with what agent, and what an admin wrote about it. Removed when the person is erased.',
    commitment: 'Salted hash of those values: binds the event to them without telling any.',
  },
  computed: {
    id: '`_id` as 24 hexadecimal characters.',
    by: 'Who did it, in the words for the owner of the account.',
    ip: 'Of `personal`: from which address.',
    userAgent: 'Of `personal`: with what, as the client says.',
    device: 'What `userAgent` names, such as “Firefox on Windows”.',
    note: 'Of `personal`: what an admin wrote about it.',
    personalValues: 'Whether they are gone, or not what was written.',
  },
  indexes: {
    idx_audit_events_target_id: 'What happened to an account, newest first.',
    idx_audit_events_actor_id: 'What an account did, newest first.',
    idx_audit_events_action: 'One kind of events, newest first; the daily counts.',
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
  wire: [wire.Activity, wire.AuditEvent],
});
