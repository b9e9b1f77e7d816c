// Why: what the service does on a schedule is done once, however many instances there are, and shows how it went: one
// document for each job holds the lease of its run.

import { putCollection, retireCollection } from './lib/shape.js';

const jobs = {
  bsonType: 'object',
  required: ['_id', 'schedule', 'dueAt', 'nextAt'],
  properties: {
    _id: { bsonType: 'string', maxLength: 64 },
    schedule: { bsonType: 'string', maxLength: 64 },
    dueAt: { bsonType: 'date' },
    nextAt: { bsonType: 'date' },
    leaseUntil: { bsonType: 'date' },
    startedAt: { bsonType: 'date' },
    finishedAt: { bsonType: 'date' },
    durationMs: { bsonType: 'number' },
    outcome: { bsonType: 'string', enum: ['success', 'failure'] },
    result: { bsonType: 'object' },
    failure: { bsonType: 'string', maxLength: 500 },
    lastSuccessAt: { bsonType: 'date' },
  },
};

export async function up(db) {
  await putCollection(db, 'jobs', jobs);
}

export async function down(db) {
  await retireCollection(db, 'jobs');
}
