// Why: every filter and every order that a list of accounts offers is answered from an index, at any size.

import { dropIndexes, putIndexes } from './lib/shape.js';

const indexes = [
  { key: { createdAt: 1, _id: 1 }, name: 'idx_users_created_at' },
  { key: { status: 1, _id: 1 }, name: 'idx_users_status' },
  { key: { status: 1, createdAt: 1, _id: 1 }, name: 'idx_users_status_created_at' },
  { key: { status: 1, email: 1 }, name: 'idx_users_status_email' },
  { key: { status: 1, lastNameKey: 1, _id: 1 }, name: 'idx_users_status_last_name_key' },
  { key: { status: 1, firstNameKey: 1, _id: 1 }, name: 'idx_users_status_first_name_key' },
  { key: { emailVerified: 1, _id: 1 }, name: 'idx_users_email_verified' },
  { key: { roles: 1, _id: 1 }, name: 'idx_users_roles' },
];

export const up = (db) => putIndexes(db, 'users', indexes);

export const down = (db) => dropIndexes(db, 'users', indexes);
