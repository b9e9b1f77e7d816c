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
    reason: 'Why: an error code of what failed or was denied, or what an admin gave.',
    actor: 'Who did it.',
    'actor.type': 'What kind of actor.',
    'actor.id': 'The account or the API key, where the actor is one.',
    target: 'What it was done to.',
    'target.collection': 'The collection of the target.',
    'target.id': 'The document, where there is one.',
    'target.name': 'The document, where its id is no ObjectId: the `kid` of a signing key.',
    changes: 'Paths that changed, without their values.',
    at: 'When.',
    ip: 'From which address.',
    userAgent: 'With what, as the client says.',
    requestId: 'Of the request, as in its log lines and its response.',
  },
  computed: {},
  indexes: {
    idx_audit_events_target_id: 'What happened to an account, newest first.',
    idx_audit_events_actor_id: 'What an account did, newest first.',
    idx_audit_events_action: 'What happened of one kind, by time: the daily counts.',
  },
  relations: [
    { path: 'target.id', to: 'users', many: true, verb: 'is told of by', onDelete: 'Kept.' },
    { path: 'actor.id', to: 'users', many: true, verb: 'acts in', onDelete: 'Kept.' },
  ],
  enums: { 'Audit action': AUDIT_ACTIONS, 'Audit outcome': AUDIT_OUTCOMES, 'Actor type': ACTOR_TYPES },
  retention: 'Kept.',
  wire: [],
});
