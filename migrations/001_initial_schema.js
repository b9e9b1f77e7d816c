// Why: the accounts themselves, field for field the `users` table that the data model began with, and its status enum.
// The unique index stands here, not among the indexes of 003: it is the rule that an email belongs to one account.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const users = {
  bsonType: 'object',
  required: ['_id', 'email', 'emailVerified', 'status', 'createdAt', 'updatedAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    email: { bsonType: 'string', maxLength: 255 },
    passwordHash: { bsonType: 'string', maxLength: 255 },
    firstName: { bsonType: 'string', maxLength: 100 },
    lastName: { bsonType: 'string', maxLength: 100 },
    avatarUrl: { bsonType: 'string', maxLength: 2048 },
    emailVerified: { bsonType: 'bool' },
    status: { bsonType: 'string', enum: ['active', 'inactive', 'suspended', 'deleted'] },
    createdAt: { bsonType: 'date' },
    updatedAt: { bsonType: 'date' },
  },
};

const indexes = [{ key: { email: 1 }, name: 'idx_users_email', unique: true }];

export async function up(db) {
  await putCollection(db, 'users', users);
  await putIndexes(db, 'users', indexes);
}

export async function down(db) {
  await dropIndexes(db, 'users', indexes);
  await retireCollection(db, 'users');
}
