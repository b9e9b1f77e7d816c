import { WEBHOOK_EVENT_TYPES } from '../lib/webhooks/catalogue.ts';
import { WEBHOOK_DISABLED_REASONS, Webhook } from '../models/webhook.ts';
import * as wire from '../schemas/webhook.ts';
import { defineCollection } from './define.ts';

export const webhooks = defineCollection({
  model: Webhook,
  purpose: 'Endpoints of other services that hear of what happens here.',
  public: {},
  admin: {
    url: 'Where it is told.',
    description: 'For people.',
    events: 'What it hears of; empty: everything.',
    enabled: 'Whether it is told anything.',
    disabledReason: 'Why the service itself turned it off; absent where an admin did.',
    failingSince: 'Since when every try has failed. Absent while the last one that ended was a success.',
    previousSecretUntil: 'Until when the secret before signs as well.',
    createdAt: 'When it was made.',
    updatedAt: 'When it last changed.',
  },
  private: {
    _id: 'On the wire as `id`.',
    secret: 'Signs, encrypted; shown once, to whoever made it.',
    previousSecret: 'The one before, encrypted.',
    revision: 'Moves with each change, also of what a reader is not shown; the `ETag` is made of it.',
  },
  computed: { id: '`_id`.' },
  indexes: { idx_webhooks_enabled: 'The endpoints that are told.' },
  relations: [],
  enums: { 'Webhook event': WEBHOOK_EVENT_TYPES, 'Webhook disabled because': WEBHOOK_DISABLED_REASONS },
  retention: 'Until an admin removes it.',
  wire: [wire.Webhook],
});
