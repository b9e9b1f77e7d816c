// Why: an account signs in: its sessions, and the keys that sign their access tokens. Both end by a TTL index, which
// counts from `expiresAt`, so a changed lifetime touches documents and never an index.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const sessions = {
  bsonType: 'object',
  required: [
    '_id',
    'userId',
    'status',
    'roles',
    'refreshTokenHash',
    'seed',
    'rotation',
    'rotatedAt',
    'authenticationMethods',
    'authenticatedAt',
    'createdAt',
    'lastUsedAt',
    'idleExpiresAt',
    'expiresAt',
  ],
  properties: {
    _id: { bsonType: 'objectId' },
    userId: { bsonType: 'objectId' },
    status: { bsonType: 'string', enum: ['active', 'inactive', 'suspended', 'deleted'] },
    roles: { bsonType: 'array', items: { bsonType: 'string', enum: ['user', 'support', 'admin'] } },
    refreshTokenHash: { bsonType: 'string', maxLength: 43 },
    seed: { bsonType: 'string', maxLength: 43 },
    rotation: { bsonType: 'number' },
    rotatedAt: { bsonType: 'date' },
    authenticationMethods: { bsonType: 'array', items: { bsonType: 'string', enum: ['pwd'] } },
    authenticatedAt: { bsonType: 'date' },
    ip: { bsonType: 'string', maxLength: 45 },
    userAgent: { bsonType: 'string', maxLength: 512 },
    createdAt: { bsonType: 'date' },
    lastUsedAt: { bsonType: 'date' },
    idleExpiresAt: { bsonType: 'date' },
    expiresAt: { bsonType: 'date' },
  },
};

const sessionIndexes = [
  { key: { refreshTokenHash: 1 }, name: 'idx_sessions_refresh_token_hash', unique: true },
  { key: { userId: 1, _id: 1 }, name: 'idx_sessions_user_id' },
  { key: { expiresAt: 1 }, name: 'idx_sessions_expires_at', expireAfterSeconds: 0 },
];

const signingKeys = {
  bsonType: 'object',
  required: ['_id', 'generation', 'publicJwk', 'privateJwk', 'createdAt'],
  properties: {
    _id: { bsonType: 'string', maxLength: 43 },
    generation: { bsonType: 'number' },
    publicJwk: { bsonType: 'object' },
    privateJwk: { bsonType: 'string' },
    createdAt: { bsonType: 'date' },
    expiresAt: { bsonType: 'date' },
  },
};

const signingKeyIndexes = [
  { key: { generation: 1 }, name: 'idx_signing_keys_generation', unique: true },
  { key: { expiresAt: 1 }, name: 'idx_signing_keys_expires_at', expireAfterSeconds: 0 },
];

export async function up(db) {
  await putCollection(db, 'sessions', sessions);
  await putIndexes(db, 'sessions', sessionIndexes);
  await putCollection(db, 'signing_keys', signingKeys);
  await putIndexes(db, 'signing_keys', signingKeyIndexes);
}

export async function down(db) {
  await dropIndexes(db, 'signing_keys', signingKeyIndexes);
  await retireCollection(db, 'signing_keys');
  await dropIndexes(db, 'sessions', sessionIndexes);
  await retireCollection(db, 'sessions');
}
