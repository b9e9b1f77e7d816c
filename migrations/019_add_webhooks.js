// Why: other services hear of what happens here. What happened is written with the change; the unique index makes one
// delivery of it to each endpoint, however often it is handed out. Admins hear by mail of an endpoint that is disabled.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator, withoutValues, withValues } from './lib/validators.js';

const subscribable = [
  'user.created',
  'user.updated',
  'user.roles-changed',
  'user.deleted',
  'user.suspended',
  'user.reactivated',
  'user.restored',
  'user.deactivated',
  'user.purged',
  'user.password-changed',
  'user.email-verified',
  'user.email-changed',
  'factor.added',
  'factor.removed',
  'identity.linked',
  'identity.unlinked',
  'session.created',
  'session.ended',
];
const sent = { bsonType: 'string', enum: [...subscribable, 'webhook.test'] };

const webhooks = {
  bsonType: 'object',
  required: ['_id', 'url', 'events', 'secret', 'enabled', 'createdAt', 'updatedAt', 'revision'],
  properties: {
    _id: { bsonType: 'objectId' },
    url: { bsonType: 'string', maxLength: 2048 },
    description: { bsonType: 'string', maxLength: 200 },
    events: { bsonType: 'array', items: { bsonType: 'string', enum: subscribable } },
    secret: { bsonType: 'string' },
    previousSecret: { bsonType: 'string' },
    previousSecretUntil: { bsonType: 'date' },
    enabled: { bsonType: 'bool' },
    disabledReason: { bsonType: 'string', enum: ['failing', 'gone'] },
    failingSince: { bsonType: 'date' },
    createdAt: { bsonType: 'date' },
    updatedAt: { bsonType: 'date' },
    revision: { bsonType: 'number' },
  },
};

const webhookIndexes = [{ key: { enabled: 1, _id: 1 }, name: 'idx_webhooks_enabled' }];

const events = {
  bsonType: 'object',
  required: ['_id', 'type', 'at', 'expiresAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    type: sent,
    userId: { bsonType: 'objectId' },
    sessionId: { bsonType: 'objectId' },
    changes: { bsonType: 'array', items: { bsonType: 'string', maxLength: 100 } },
    at: { bsonType: 'date' },
    payload: { bsonType: 'string' },
    dueAt: { bsonType: 'date' },
    expiresAt: { bsonType: 'date' },
  },
};

const eventIndexes = [
  { key: { dueAt: 1 }, name: 'idx_webhook_events_due_at', partialFilterExpression: { dueAt: { $exists: true } } },
  { key: { userId: 1, _id: 1 }, name: 'idx_webhook_events_user_id' },
  { key: { expiresAt: 1 }, name: 'idx_webhook_events_expires_at', expireAfterSeconds: 0 },
];

const deliveries = {
  bsonType: 'object',
  required: ['_id', 'webhookId', 'eventId', 'type', 'outcome', 'attempts', 'tries', 'createdAt', 'expiresAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    webhookId: { bsonType: 'objectId' },
    eventId: { bsonType: 'objectId' },
    userId: { bsonType: 'objectId' },
    type: sent,
    outcome: { bsonType: 'string', enum: ['pending', 'delivered', 'failed'] },
    attempts: { bsonType: 'number' },
    dueAt: { bsonType: 'date' },
    tries: {
      bsonType: 'array',
      items: {
        bsonType: 'object',
        required: ['at', 'durationMs'],
        properties: {
          at: { bsonType: 'date' },
          durationMs: { bsonType: 'number' },
          status: { bsonType: 'number' },
          failure: { bsonType: 'string', maxLength: 64 },
        },
      },
    },
    refusal: { bsonType: 'string' },
    createdAt: { bsonType: 'date' },
    expiresAt: { bsonType: 'date' },
  },
};

const deliveryIndexes = [
  { key: { eventId: 1, webhookId: 1 }, name: 'idx_webhook_deliveries_event_id_webhook_id', unique: true },
  {
    key: { webhookId: 1, dueAt: 1 },
    name: 'idx_webhook_deliveries_webhook_id_due_at',
    partialFilterExpression: { dueAt: { $exists: true } },
  },
  { key: { webhookId: 1, _id: 1 }, name: 'idx_webhook_deliveries_webhook_id' },
  { key: { webhookId: 1, outcome: 1, _id: 1 }, name: 'idx_webhook_deliveries_webhook_id_outcome' },
  { key: { userId: 1, _id: 1 }, name: 'idx_webhook_deliveries_user_id' },
  { key: { expiresAt: 1 }, name: 'idx_webhook_deliveries_expires_at', expireAfterSeconds: 0 },
];

const parts = [
  ['webhooks', webhooks, webhookIndexes],
  ['webhook_events', events, eventIndexes],
  ['webhook_deliveries', deliveries, deliveryIndexes],
];

const actions = [
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret-rotated',
  'webhook.tested',
  'webhook.replayed',
  'webhook.disabled',
];
const templates = ['webhook-disabled'];

export async function up(db) {
  for (const [name, shape, indexes] of parts) {
    await putCollection(db, name, shape);
    await putIndexes(db, name, indexes);
  }
  await changeValidator(db, 'audit_events', withValues('action', actions));
  await changeValidator(db, 'outbox', withValues('template', templates));
}

/** Events and mails stay whatever they tell of: the older rule holds for those that are written from now on. */
export async function down(db) {
  await changeValidator(db, 'outbox', withoutValues('template', templates));
  await changeValidator(db, 'audit_events', withoutValues('action', actions));
  for (const [name, , indexes] of parts.toReversed()) {
    await dropIndexes(db, name, indexes);
    await retireCollection(db, name);
  }
}
