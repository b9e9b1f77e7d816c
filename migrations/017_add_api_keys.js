// Why: services call with keys of their own that carry permissions, and the audit trail names the key that acted.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator, withoutValues, withValues } from './lib/validators.js';

const apiKeys = {
  bsonType: 'object',
  required: [
    '_id',
    'userId',
    'name',
    'prefix',
    'hash',
    'permissions',
    'authenticationMethods',
    'createdAt',
    'revision',
  ],
  properties: {
    _id: { bsonType: 'objectId' },
    userId: { bsonType: 'objectId' },
    name: { bsonType: 'string', maxLength: 100 },
    prefix: { bsonType: 'string', maxLength: 16 },
    hash: { bsonType: 'string', maxLength: 43 },
    permissions: { bsonType: 'array', items: { bsonType: 'string', maxLength: 64 } },
    authenticationMethods: {
      bsonType: 'array',
      items: { bsonType: 'string', enum: ['pwd', 'otp', 'pop', 'mfa', 'fed'] },
    },
    createdAt: { bsonType: 'date' },
    expiresAt: { bsonType: 'date' },
    lastUsedAt: { bsonType: 'date' },
    revision: { bsonType: 'number' },
  },
};

const indexes = [
  { key: { prefix: 1 }, name: 'idx_api_keys_prefix', unique: true },
  { key: { userId: 1, _id: 1 }, name: 'idx_api_keys_user_id' },
  { key: { expiresAt: 1 }, name: 'idx_api_keys_expires_at', expireAfterSeconds: 0 },
];

const actions = ['api-key.created', 'api-key.renamed', 'api-key.deleted'];
const actors = ['api-key'];

export async function up(db) {
  await putCollection(db, 'api_keys', apiKeys);
  await putIndexes(db, 'api_keys', indexes);
  await changeValidator(db, 'audit_events', withValues('action', actions));
  await changeValidator(db, 'audit_events', withValues('actor.type', actors));
}

/** Events stay whatever they tell of: the older rule holds for those that are written from now on. */
export async function down(db) {
  await changeValidator(db, 'audit_events', withoutValues('actor.type', actors));
  await changeValidator(db, 'audit_events', withoutValues('action', actions));
  await dropIndexes(db, 'api_keys', indexes);
  await retireCollection(db, 'api_keys');
}
