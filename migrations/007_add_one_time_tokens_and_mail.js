// Why: a mailbox is proven by a link that works once, and mail leaves if and only if the change that it tells of was
// made: it is written in the same transaction and delivered afterwards.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const oneTimeTokens = {
  bsonType: 'object',
  required: ['_id', 'purpose', 'hash', 'attempts', 'createdAt', 'expiresAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    purpose: {
      bsonType: 'string',
      enum: [
        'email-verification',
        'email-rejection',
        'email-change',
        'password-reset',
        'magic-link',
        'second-factor',
        'passkey-registration',
        'passkey-assertion',
        'identity-authorization',
      ],
    },
    hash: { bsonType: 'string', maxLength: 43 },
    userId: { bsonType: 'objectId' },
    payload: { bsonType: 'string' },
    attempts: { bsonType: 'number' },
    createdAt: { bsonType: 'date' },
    expiresAt: { bsonType: 'date' },
  },
};

const tokenIndexes = [
  { key: { hash: 1 }, name: 'idx_one_time_tokens_hash', unique: true },
  { key: { userId: 1, purpose: 1 }, name: 'idx_one_time_tokens_user_id_purpose' },
  { key: { expiresAt: 1 }, name: 'idx_one_time_tokens_expires_at', expireAfterSeconds: 0 },
];

const outbox = {
  bsonType: 'object',
  required: ['_id', 'template', 'message', 'attempts', 'createdAt', 'expiresAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    template: {
      bsonType: 'string',
      enum: [
        'verify-email',
        'sign-up-again',
        'reset-password',
        'choose-password',
        'password-changed',
        'confirm-new-email',
        'email-change-requested',
        'email-changed',
        'magic-link',
        'session-ended',
        'factor-added',
        'factor-removed',
        'recovery-code-used',
        'identity-linked',
        'identity-unlinked',
      ],
    },
    userId: { bsonType: 'objectId' },
    message: { bsonType: 'string' },
    attempts: { bsonType: 'number' },
    dueAt: { bsonType: 'date' },
    createdAt: { bsonType: 'date' },
    sentAt: { bsonType: 'date' },
    failedAt: { bsonType: 'date' },
    failure: { bsonType: 'string', maxLength: 200 },
    expiresAt: { bsonType: 'date' },
  },
};

const outboxIndexes = [
  { key: { dueAt: 1 }, name: 'idx_outbox_due_at', partialFilterExpression: { dueAt: { $exists: true } } },
  { key: { userId: 1, _id: 1 }, name: 'idx_outbox_user_id' },
  { key: { expiresAt: 1 }, name: 'idx_outbox_expires_at', expireAfterSeconds: 0 },
];

export async function up(db) {
  await putCollection(db, 'one_time_tokens', oneTimeTokens);
  await putIndexes(db, 'one_time_tokens', tokenIndexes);
  await putCollection(db, 'outbox', outbox);
  await putIndexes(db, 'outbox', outboxIndexes);
}

export async function down(db) {
  await dropIndexes(db, 'outbox', outboxIndexes);
  await retireCollection(db, 'outbox');
  await dropIndexes(db, 'one_time_tokens', tokenIndexes);
  await retireCollection(db, 'one_time_tokens');
}
