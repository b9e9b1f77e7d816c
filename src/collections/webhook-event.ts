import { SENT_EVENT_TYPES } from '../lib/webhooks/catalogue.ts';
import { WebhookEvent } from '../models/webhook-event.ts';
import { defineCollection } from './define.ts';

export const webhookEvents = defineCollection({
  model: WebhookEvent,
  purpose:
    'What happened and an endpoint wants to hear of, written in the transaction in which it happened; then what it is told.',
  public: {},
  admin: {},
  private: {
    _id: 'In the `webhook-id`, the same at every try and for every endpoint.',
    type: 'What happened.',
    userId: 'The account that it is about.',
    sessionId: 'The session that it is about.',
    changes: 'Paths that changed, without their values.',
    at: 'When it happened.',
    payload: 'What is sent, as encrypted JSON. Absent until it is handed out.',
    dueAt:
      'When it is handed out to the endpoints; moved ahead by whoever does so, which is the lease. Absent afterwards.',
    expiresAt: 'When the record goes.',
  },
  archived: ['type', 'changes', 'at'],
  computed: {},
  indexes: {
    idx_webhook_events_due_at: 'The events to hand out, longest waiting first.',
    idx_webhook_events_user_id: 'The events about an account.',
    idx_webhook_events_expires_at: 'TTL: an event is removed.',
  },
  relations: [
    {
      path: 'userId',
      to: 'users',
      many: true,
      verb: 'is told of by',
      onDelete: 'Removed with the account, or by TTL.',
    },
  ],
  enums: { 'Sent event': SENT_EVENT_TYPES },
  retention: '30 days, by TTL on `expiresAt`.',
  notJournaled: 'Not told any more when a database is restored.',
  wire: [],
});
