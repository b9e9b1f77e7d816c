// Why: people sign in by accounts that they have elsewhere. The unique index decides whose an identity is.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const identities = {
  bsonType: 'object',
  required: ['_id', 'userId', 'provider', 'subject', 'createdAt', 'lastUsedAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    userId: { bsonType: 'objectId' },
    provider: { bsonType: 'string', maxLength: 32 },
    subject: { bsonType: 'string', maxLength: 255 },
    email: { bsonType: 'string', maxLength: 255 },
    tokens: { bsonType: 'string' },
    createdAt: { bsonType: 'date' },
    lastUsedAt: { bsonType: 'date' },
  },
};

const identityIndexes = [
  { key: { provider: 1, subject: 1 }, name: 'idx_identities_provider_subject', unique: true },
  { key: { userId: 1, _id: 1 }, name: 'idx_identities_user_id' },
];

export async function up(db) {
  await putCollection(db, 'identities', identities);
  await putIndexes(db, 'identities', identityIndexes);
}

export async function down(db) {
  await dropIndexes(db, 'identities', identityIndexes);
  await retireCollection(db, 'identities');
}
