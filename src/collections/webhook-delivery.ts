import { DELIVERY_OUTCOMES, WebhookDelivery } from '../models/webhook-delivery.ts';
import * as wire from '../schemas/webhook.ts';
import { defineCollection } from './define.ts';

export const webhookDeliveries = defineCollection({
  model: WebhookDelivery,
  purpose: 'What one endpoint is told of one event, and how that goes.',
  public: {},
  admin: {
    eventId: 'The event, in the `webhook-id`.',
    type: 'What happened.',
    outcome: 'How it went so far.',
    attempts: 'Tries so far; asking for it again begins at 0.',
    tries:
      'The newest tries: when (`at`), how long (`durationMs`), HTTP `status` and code of the `failure`, where there was one.',
    dueAt: 'When it is tried next; moved ahead by whoever tries, which is the lease. Absent once it is done.',
    createdAt: 'When the event was handed out.',
  },
  private: {
    _id: 'On the wire as `id`.',
    webhookId: 'The endpoint.',
    userId: 'The account that the event is about.',
    refusal: 'The beginning of the last refusal, encrypted: a receiver may quote what it was sent.',
    expiresAt: 'When the record goes.',
  },
  archived: ['outcome', 'createdAt'],
  computed: { id: '`_id`.', excerpt: '`refusal`, opened.' },
  indexes: {
    idx_webhook_deliveries_event_id_webhook_id:
      'One delivery of an event to an endpoint, however often it is handed out.',
    idx_webhook_deliveries_webhook_id_due_at: 'What is due at an endpoint, longest waiting first.',
    idx_webhook_deliveries_webhook_id: 'The deliveries to an endpoint, newest first.',
    idx_webhook_deliveries_webhook_id_outcome: 'Those that went so.',
    idx_webhook_deliveries_user_id: 'The deliveries about an account.',
    idx_webhook_deliveries_expires_at: 'TTL: a delivery is removed.',
  },
  relations: [
    { path: 'webhookId', to: 'webhooks', many: true, verb: 'is told by', onDelete: 'Sent no more; removed by TTL.' },
    { path: 'eventId', to: 'webhook_events', many: true, verb: 'is sent as', onDelete: 'Given up; removed by TTL.' },
    {
      path: 'userId',
      to: 'users',
      many: true,
      verb: 'is told of by',
      onDelete: 'Removed with the account, or by TTL.',
    },
  ],
  enums: { 'Webhook delivery outcome': DELIVERY_OUTCOMES },
  retention: '30 days, by TTL on `expiresAt`.',
  notJournaled: 'Not sent any more when a database is restored.',
  wire: [wire.WebhookDelivery],
});
