// Why: what all instances must agree on about requests: how many came from where (limits), and which response a retried
// one had (idempotency keys). Both are short-lived and end by a TTL index.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const idempotencyKeys = {
  bsonType: 'object',
  required: ['_id', 'fingerprint', 'expiresAt'],
  properties: {
    _id: { bsonType: 'string', maxLength: 64 },
    fingerprint: { bsonType: 'string', maxLength: 64 },
    lockedUntil: { bsonType: 'date' },
    statusCode: { bsonType: 'number' },
    headers: { bsonType: 'object' },
    body: { bsonType: 'string' },
    expiresAt: { bsonType: 'date' },
  },
};

const idempotencyKeyIndexes = [
  { key: { expiresAt: 1 }, name: 'idx_idempotency_keys_expires_at', expireAfterSeconds: 0 },
];

const rateLimits = {
  bsonType: 'object',
  required: ['_id', 'count', 'expiresAt'],
  properties: {
    _id: { bsonType: 'string', maxLength: 128 },
    count: { bsonType: 'number' },
    expiresAt: { bsonType: 'date' },
  },
};

const rateLimitIndexes = [{ key: { expiresAt: 1 }, name: 'idx_rate_limits_expires_at', expireAfterSeconds: 0 }];

export async function up(db) {
  await putCollection(db, 'idempotency_keys', idempotencyKeys);
  await putIndexes(db, 'idempotency_keys', idempotencyKeyIndexes);
  await putCollection(db, 'rate_limits', rateLimits);
  await putIndexes(db, 'rate_limits', rateLimitIndexes);
}

export async function down(db) {
  await dropIndexes(db, 'rate_limits', rateLimitIndexes);
  await retireCollection(db, 'rate_limits');
  await dropIndexes(db, 'idempotency_keys', idempotencyKeyIndexes);
  await retireCollection(db, 'idempotency_keys');
}
