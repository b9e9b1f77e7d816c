// Why: each run of a backup leaves a record, so that it is seen when the last good one was made; one runs at a time.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator, withoutValues, withValues } from './lib/validators.js';

const backups = {
  bsonType: 'object',
  required: ['_id', 'name', 'trigger', 'location', 'startedAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    name: { bsonType: 'string', maxLength: 64 },
    trigger: { bsonType: 'string', enum: ['schedule', 'command'] },
    location: { bsonType: 'string', maxLength: 1024 },
    keyId: { bsonType: 'string', maxLength: 32 },
    startedAt: { bsonType: 'date' },
    running: { bsonType: 'bool' },
    leaseUntil: { bsonType: 'date' },
    finishedAt: { bsonType: 'date' },
    outcome: { bsonType: 'string', enum: ['success', 'failure'] },
    consistent: { bsonType: 'bool' },
    documents: { bsonType: 'number' },
    bytes: { bsonType: 'number' },
    manifestHash: { bsonType: 'string', maxLength: 64 },
    failure: { bsonType: 'string', maxLength: 500 },
    expiresAt: { bsonType: 'date' },
  },
};

const indexes = [
  { key: { name: 1 }, name: 'idx_backups_name', unique: true },
  {
    key: { running: 1 },
    name: 'idx_backups_running',
    unique: true,
    partialFilterExpression: { running: { $exists: true } },
  },
  { key: { outcome: 1, _id: 1 }, name: 'idx_backups_outcome' },
  { key: { expiresAt: 1 }, name: 'idx_backups_expires_at', expireAfterSeconds: 0 },
];

const actions = ['backup.created', 'backup.removed'];

export async function up(db) {
  await putCollection(db, 'backups', backups);
  await putIndexes(db, 'backups', indexes);
  await changeValidator(db, 'audit_events', withValues('action', actions));
}

/** Events stay whatever they tell of: the older rule holds for those that are written from now on. */
export async function down(db) {
  await changeValidator(db, 'audit_events', withoutValues('action', actions));
  await dropIndexes(db, 'backups', indexes);
  await retireCollection(db, 'backups');
}
